import json
import os
import subprocess
import sys

import pytest

from spatialmeta_core.integrate import Integration
from spatialmeta_core.integrate.__main__ import main

SETTINGS = """
[net]
n_hidden = 16
n_latent = 3
dropout = 0.0
[train]
max_epochs = 8
batch_size = 60
learning_rate = 0.01
[features]
n_genes = 9
"""


@pytest.fixture
def files(joint, tmp_path):
    joint.write_h5ad(tmp_path / "joint.h5ad")
    (tmp_path / "recipe.toml").write_text(SETTINGS)
    return tmp_path


def fit_arguments(folder, name):
    settings = ["--settings", f"{folder}/recipe.toml"]
    return ["fit", f"{folder}/joint.h5ad", "--out", f"{folder}/{name}", *settings]


def run_all(command):
    """Run a command that starts others, and leave none behind if it does not end."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    ) as process:
        try:
            out, err = process.communicate(timeout=200)
        except subprocess.TimeoutExpired:
            process.terminate()  # torchrun hands it on
            raise
    return process.returncode, out, err


def test_the_command_trains_and_saves(files, capsys) -> None:
    assert main([*fit_arguments(files, "model"), "--device", "cpu", "--batch-key", "slide"]) == 0

    result = Integration.load(files / "model")
    assert len(result.losses) == 8
    assert result.batch_keys == ("slide",)
    assert "epoch 8 of at most 8: loss" in capsys.readouterr().out


def test_two_processes_reach_the_loss_of_one(files, capsys) -> None:
    main([*fit_arguments(files, "one"), "--device", "cpu"])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "spatialmeta_core.integrate"]

    returncode, out, err = run_all(
        [*command, *fit_arguments(files, "two"), "--checkpoint", f"{files}/state.pt"]
    )

    assert returncode == 0, err
    assert out.count("epoch 8 of at most 8") == 1  # the first process alone reports
    assert (files / "state.pt").exists()
    one, two = (Integration.load(files / name) for name in ("one", "two"))
    last = [result.losses[-1].train.total for result in (one, two)]
    assert last[1] == pytest.approx(last[0], rel=0.02)
    assert last[1] < 0.85 * two.losses[0].train.total


def test_a_forecast_is_printed_as_json(capsys) -> None:
    shape = ["--spots", "500", "--genes", "40", "--metabolites", "20"]

    assert main(["forecast", *shape, "--device", "cpu"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["cpu_seconds"] > 0
    assert found["epochs_expected"] > 0


def test_an_error_is_a_sentence_and_a_status(files, capsys) -> None:
    assert main([*fit_arguments(files, "model"), "--batch-key", "lane"]) == 1

    assert "'lane' is not among the spot columns" in capsys.readouterr().err
