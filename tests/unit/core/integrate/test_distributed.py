import os
import subprocess
import sys

import torch
from torch import nn

from spatialmeta_core.integrate import distributed

TOGETHER = """
import torch
from torch import nn
from spatialmeta_core.integrate import distributed
with distributed.group():
    rank = torch.distributed.get_rank()
    rows = torch.arange(7)
    own = distributed.share(rows)
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.grad = own.float().mean().reshape(1, 1)
    distributed.average_gradients(layer, len(own) / len(rows))
    norm = nn.BatchNorm1d(1)
    norm.running_mean += rank
    distributed.average_buffers(norm)
    torch.manual_seed(5)
    distributed.draw_apart()
    noise = torch.rand(1)
    found = {
        "own": own.tolist(),
        "gradient": layer.weight.grad.item(),
        "mean": norm.running_mean.item(),
        "total": distributed.total(torch.tensor(1.0 + rank)).item(),
        "first": distributed.from_first(torch.tensor(10.0 + rank)).item(),
        "agreed": distributed.agree(rank == 1, torch.device("cpu")),
        "apart": bool(distributed.total(noise) != 2 * noise),
        "is_first": distributed.is_first(),
        "device": distributed.local_device("auto"),
    }
    assert (distributed.n_processes(), len(own)) == (2, 4 - rank), found
    expected = {
        "own": [0, 2, 4, 6] if rank == 0 else [1, 3, 5],
        "gradient": 3.0,
        "mean": 0.5,
        "total": 3.0,
        "first": 10.0,
        "agreed": False,
        "apart": True,
        "is_first": rank == 0,
        "device": "cpu",
    }
    assert found == expected, found
"""


def test_two_processes_share_rows_and_agree(tmp_path) -> None:
    script = tmp_path / "together.py"
    script.write_text(TOGETHER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]

    with subprocess.Popen(
        [*command, "--nproc-per-node", "2", str(script)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    ) as process:
        try:
            _, err = process.communicate(timeout=200)
        except subprocess.TimeoutExpired:
            process.terminate()  # torchrun hands it on
            raise

    assert process.returncode == 0, err


def test_alone_nothing_changes() -> None:
    layer = nn.Linear(1, 1)
    layer(torch.ones(1, 1)).backward()
    before = layer.weight.grad.clone()
    rows = torch.arange(5)

    with distributed.group():
        distributed.average_gradients(layer, 0.5)
        distributed.average_buffers(layer)
        assert distributed.share(rows) is rows
        assert (distributed.n_processes(), distributed.is_first()) == (1, True)
        assert distributed.total(rows) is rows
        assert distributed.from_first(rows) is rows
        assert distributed.agree(True, torch.device("cpu")) is True
        assert distributed.local_device("auto") == "auto"

    assert torch.equal(layer.weight.grad, before)
