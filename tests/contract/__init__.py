"""The contract that every registrar passes."""

import pytest

pytest.register_assert_rewrite("tests.contract.suite")
