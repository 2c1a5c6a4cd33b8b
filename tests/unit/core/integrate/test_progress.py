from dataclasses import replace

import pytest
import torch
from torch import nn

from spatialmeta_core.integrate import progress as module_under_test
from spatialmeta_core.integrate.progress import Checkpoint, Progress, resume, write
from spatialmeta_core.types import EpochReport, LossTerms


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "train.pt", "abc")


def network():
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1, fused=True)
    return module, optimizer


def step(module, optimizer):
    optimizer.zero_grad()
    module(torch.ones(4, 3)).square().sum().backward()
    optimizer.step()


@pytest.fixture
def trained():
    module, optimizer = network()
    step(module, optimizer)
    terms = LossTerms(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.123456789012345)
    state = Progress(
        best={k: v.clone() for k, v in module.state_dict().items()},
        best_epoch=1,
        best_loss=7.123456789012345,
        reports=[EpochReport(1, 9, terms, terms, True)],
    )
    return module, optimizer, state


def test_a_resumed_optimizer_goes_the_same_way(checkpoint, trained) -> None:
    module, optimizer, state = trained
    write(checkpoint, state, module, optimizer)
    other, other_optimizer = network()

    found = resume(checkpoint, other, other_optimizer)
    step(module, optimizer)
    step(other, other_optimizer)

    assert torch.equal(module.weight, other.weight)
    assert found.reports == state.reports
    assert found.best_loss == state.best_loss
    assert found.notes == ["Training continued from epoch 1."]


def test_without_a_file_training_begins(checkpoint) -> None:
    found = resume(checkpoint, *network())

    assert (found.reports, found.notes, found.best) == ([], [], {})


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_file_is_told_and_not_used(checkpoint, trained, damage) -> None:
    module, optimizer, state = trained
    write(checkpoint, state, module, optimizer)
    content = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(content[: len(content) // 2] if damage is None else damage)

    found = resume(checkpoint, *network())

    assert found.reports == []
    assert found.notes == [
        "The checkpoint could not be read, so training started from the beginning."
    ]


def test_a_file_of_other_settings_is_told_and_not_used(checkpoint, trained) -> None:
    module, optimizer, state = trained
    write(checkpoint, state, module, optimizer)
    fresh, fresh_optimizer = network()
    before = fresh.weight.clone()

    found = resume(replace(checkpoint, fingerprint="other"), fresh, fresh_optimizer)

    assert "belongs to other data or settings" in found.notes[0]
    assert torch.equal(fresh.weight, before)


def test_a_failed_write_leaves_the_earlier_file(checkpoint, trained, monkeypatch) -> None:
    module, optimizer, state = trained
    write(checkpoint, state, module, optimizer)
    before = checkpoint.path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(module_under_test.torch, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write(checkpoint, state, module, optimizer)

    assert checkpoint.path.read_bytes() == before
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["train.pt"]
