"""Which numbers of GPUs an engine takes for a model, by the models that people tried."""

import pytest

from engines import tgi, vllm

Heads = tuple[int, int, int]
"""Attention heads, key-value heads, vocabulary."""

LLAMA_13B: Heads = (40, 40, 32_000)
LLAMA_33B: Heads = (52, 52, 32_000)
MIXTRAL: Heads = (32, 8, 32_000)
QWEN_7B: Heads = (28, 4, 152_064)
PHI_3_MEDIUM: Heads = (40, 10, 32_064)
GLM_4_7: Heads = (96, 8, 151_552)
STARCODER: Heads = (48, 1, 49_152)


@pytest.mark.parametrize(
    ("model", "gpus", "said"),
    [
        (LLAMA_13B, 6, "40 attention heads"),
        (LLAMA_13B, 3, "40 attention heads"),  # vllm#596
        (LLAMA_33B, 8, "52 attention heads"),  # vllm#2652
        (MIXTRAL, 3, "32 attention heads"),
        (QWEN_7B, 8, "28 attention heads"),  # vllm#11797
        (PHI_3_MEDIUM, 4, "10 key-value heads of the model cannot be divided"),
        (PHI_3_MEDIUM, 5, "vocabulary of 32064 entries"),  # vllm#1399
        (QWEN_7B, 7, "4 key-value heads of the model cannot be repeated"),
        (GLM_4_7, 6, "8 key-value heads"),
    ],
)
def test_vllm_refuses_a_number_of_gpus_that_does_not_divide_the_model(
    model: Heads, gpus: int, said: str
) -> None:
    heads, kv_heads, vocabulary = model
    problem = vllm.split_problem(gpus, attention_heads=heads, kv_heads=kv_heads, vocabulary=vocabulary)
    assert problem is not None
    assert said in problem


@pytest.mark.parametrize(
    ("model", "gpus"),
    [(LLAMA_13B, 8), (LLAMA_13B, 5), (MIXTRAL, 8), (MIXTRAL, 16), (QWEN_7B, 4), (STARCODER, 4)],
)
def test_vllm_divides_key_value_heads_or_repeats_them(model: Heads, gpus: int) -> None:
    heads, kv_heads, vocabulary = model
    assert vllm.split_problem(gpus, attention_heads=heads, kv_heads=kv_heads, vocabulary=vocabulary) is None


@pytest.mark.parametrize(
    ("heads", "kv_heads", "gpus", "said"),
    [
        (71, 71, 2, "71 attention heads"),  # text-generation-inference#1354
        (32, 8, 16, "8 key-value heads"),
        (28, 4, 7, "4 key-value heads"),
    ],
)
def test_tgi_refuses_key_value_heads_that_it_would_have_to_repeat(
    heads: int, kv_heads: int, gpus: int, said: str
) -> None:
    problem = tgi.split_problem(gpus, attention_heads=heads, kv_heads=kv_heads)
    assert problem is not None
    assert said in problem


def test_tgi_repeats_a_single_key_value_head_and_takes_any_vocabulary() -> None:
    assert tgi.split_problem(4, attention_heads=48, kv_heads=1) is None
    assert tgi.split_problem(5, attention_heads=40, kv_heads=10) is None


@pytest.mark.parametrize("model", [LLAMA_13B, MIXTRAL, QWEN_7B, GLM_4_7, STARCODER])
def test_every_model_fits_one_gpu_undivided(model: Heads) -> None:
    heads, kv_heads, vocabulary = model
    assert vllm.split_problem(1, attention_heads=heads, kv_heads=kv_heads, vocabulary=vocabulary) is None
    assert tgi.split_problem(1, attention_heads=heads, kv_heads=kv_heads) is None
