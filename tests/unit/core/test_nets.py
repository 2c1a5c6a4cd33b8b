import pytest
import torch

from spatialmeta_core.nets import GaussianHead, hidden_layer


def test_the_head_reads_mean_and_variance_off_by_hand() -> None:
    head = GaussianHead(1, 1, variance_floor=0.25).double()
    with torch.no_grad():
        head.mean.weight.fill_(2.0)
        head.mean.bias.fill_(1.0)
        head.log_variance.weight.fill_(0.0)
        head.log_variance.bias.fill_(0.0)

    mean, variance = head(torch.tensor([[3.0]], dtype=torch.float64))

    assert mean.item() == 7.0
    assert variance.item() == 1.25


def test_the_variance_stays_finite_and_above_its_floor() -> None:
    head = GaussianHead(1, 2, variance_floor=1e-4)

    for value in (-1e6, 1e6):
        variance = head(torch.tensor([[value]])).variance
        assert torch.isfinite(variance).all()
        assert (variance >= 1e-4).all()


def test_a_hidden_layer_has_no_negative_output_and_the_asked_width() -> None:
    layer = hidden_layer(4, 3, dropout=0.5)

    out = layer(torch.randn(8, 4))

    assert out.shape == (8, 3)
    assert (out >= 0).all()


def test_a_hidden_layer_does_not_see_the_scale_of_its_input_in_training() -> None:
    layer = hidden_layer(4, 3).double()
    rows = torch.randn(50, 4, dtype=torch.float64) * 100

    torch.testing.assert_close(layer(rows), layer(rows * 7 + 5), rtol=1e-5, atol=1e-5)


def test_one_row_cannot_be_normalized() -> None:
    with pytest.raises(ValueError, match="more than 1 value"):
        hidden_layer(4, 3)(torch.randn(1, 4))
