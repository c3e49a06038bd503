import pytest

from engines import Adapter


@pytest.mark.parametrize("name", ["style", "1", "legal-fr_v2.1"])
def test_an_adapter_has_a_plain_name_and_an_absolute_directory(name: str) -> None:
    assert Adapter(name=name, directory=f"/mnt/models/{name}").directory == f"/mnt/models/{name}"


@pytest.mark.parametrize("name", ["", "a=b", "a,b", "a@main", "a b", "a/b", "-a", "__base_model__"])
def test_a_name_that_an_engine_would_read_as_more_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of an adapter; start with"):
        Adapter(name=name, directory="/a")


@pytest.mark.parametrize("directory", ["", "a", "/a,/b", "/a@main", "/a=b", "/a b"])
def test_a_directory_that_an_engine_would_read_as_more_is_refused(directory: str) -> None:
    with pytest.raises(ValueError, match="no directory of an adapter; write an absolute path"):
        Adapter(name="a", directory=directory)
