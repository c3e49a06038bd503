"""`make coverage` ends with a table by package."""

from scripts.coverage_table import table


def file(statements: int, lines: int, branches: int = 0, taken: int = 0) -> dict[str, dict[str, int]]:
    return {
        "summary": {
            "num_statements": statements,
            "covered_lines": lines,
            "num_branches": branches,
            "covered_branches": taken,
        }
    }


def test_files_are_added_up_by_package_and_what_lies_deeper_counts_with_the_second_folder() -> None:
    rows = [
        line.split()
        for line in table(
            {
                "workloads/agent/loop.py": file(10, 9, 4, 2),
                "workloads/agent/inner/more.py": file(10, 10),
                "artifacts/digest.py": file(4, 1),
            }
        )
    ]
    assert rows == [
        ["package", "statements", "ran", "branches", "ran", "%"],
        ["artifacts", "4", "1", "0", "0", "25.0"],
        ["workloads.agent", "20", "19", "4", "2", "87.5"],
        ["all", "24", "20", "4", "2", "78.6"],
    ]


def test_a_package_without_statements_is_no_division_by_nothing() -> None:
    assert [line.split()[-1] for line in table({"a/__init__.py": file(0, 0)})] == ["%", "0.0", "0.0"]
