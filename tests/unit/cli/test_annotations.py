from cli.annotations import annotation, error_annotation
from model_catalog import Problem, Severity


def test_what_would_end_a_property_or_a_line_is_escaped() -> None:
    problem = Problem(
        file="a,b:c.yaml", line=3, column=5, rule="one-default", message="100%\r\n: no", fix="Keep, one"
    )
    assert annotation(problem) == (
        "::error file=a%2Cb%3Ac.yaml,line=3,col=5,title=one-default::100%25%0D%0A: no. Keep, one"
    )


def test_a_warning_is_one() -> None:
    problem = Problem(
        file="a.yaml", line=1, column=1, rule="r", message="m", fix="F", severity=Severity.WARNING
    )
    assert annotation(problem).startswith("::warning file=a.yaml,")


def test_an_error_without_a_place_has_a_title_alone() -> None:
    assert error_annotation("plan: dev", "50% of\nit") == "::error title=plan%3A dev::50%25 of%0Ait"


def test_a_finding_is_one_line_whatever_a_reason_holds() -> None:
    problem = Problem(file="a.yaml", line=1, column=1, rule="hold", message="held: x\n::error::y", fix="Wait")
    assert str(problem) == "a.yaml:1:1 hold held: x ::error::y. Wait"
