from __future__ import annotations

import pytest

from app.settings import GIB, Settings
from spatialmeta_core.errors import InvalidParamsError


def test_what_is_unset_keeps_its_default(tmp_path):
    settings = Settings.from_environment({"SPATIALMETA_DATA": str(tmp_path)})

    assert settings == Settings(data_dir=tmp_path.resolve())
    assert settings.is_loopback
    assert settings.jobs_url.endswith("jobs.sqlite")


def test_what_is_set_is_taken(tmp_path):
    settings = Settings.from_environment(
        {
            "SPATIALMETA_DATA": str(tmp_path),
            "SPATIALMETA_HOST": "0.0.0.0",
            "SPATIALMETA_PORT": "9000",
            "SPATIALMETA_MAX_UPLOAD_GB": "0.5",
            "SPATIALMETA_MAX_JOBS": "",
            "SPATIALMETA_ALLOWED_HOSTS": "Lab.example, , proxy",
            "SPATIALMETA_DATABASE_URL": "postgresql://db/jobs",
        }
    )

    assert (settings.host, settings.port, settings.max_jobs) == ("0.0.0.0", 9000, 2)
    assert settings.max_upload_bytes == GIB // 2
    assert settings.jobs_url == "postgresql://db/jobs"
    assert not settings.is_loopback
    assert settings.allowed_hosts == ("lab.example", "proxy")


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8050", True),
        ("localhost", True),
        ("[::1]:8050", True),
        ("node7:8050", True),
        ("proxy", True),
        ("", False),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8050", False),
        ("[::2]:8050", False),
    ],
)
def test_a_host_header_names_this_server_or_not(tmp_path, host, ours):
    settings = Settings(data_dir=tmp_path, host="node7", allowed_hosts=("proxy",))

    assert settings.is_own_name(host) is ours


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPATIALMETA_PORT", "eighty"),
        ("SPATIALMETA_MAX_JOBS", "0"),
        ("SPATIALMETA_MAX_UPLOAD_GB", "-1"),
        ("SPATIALMETA_MAX_UNPACKED_GB", "nan"),
    ],
)
def test_a_number_that_is_none_is_named(name, value):
    with pytest.raises(InvalidParamsError, match=f"{name} is '{value}'"):
        Settings.from_environment({name: value})
