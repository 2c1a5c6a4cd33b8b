import pytest
import torch

from spatialmeta_core.integrate.losses import loss_tensors
from spatialmeta_core.integrate.module import JointVAE, Minibatch
from spatialmeta_core.params import LossWeights, NetParams


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return Minibatch(
        torch.randint(0, 9, (10, 6), generator=generator).float() + torch.eye(10, 6),
        torch.randn(10, 4, generator=generator),
        torch.randint(0, 2, (10, 2), generator=generator),
    )


@pytest.fixture
def module():
    torch.manual_seed(0)
    return JointVAE(6, 4, batch_sizes=(2, 2), params=NetParams(n_hidden=8, n_latent=3))


def test_every_parameter_receives_a_gradient(module, data) -> None:
    loss_tensors(module(data), data).total(LossWeights(mmd=1.0)).backward()

    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_shares_of_the_library_sum_to_the_library(module, data) -> None:
    out = module(data).st

    totals = torch.exp(out.log_mean).sum(1)
    torch.testing.assert_close(totals, data.counts.sum(1).repeat(2))


def test_encoders_never_see_the_batch(module, data) -> None:
    module.eval()
    other = data._replace(batch=1 - data.batch)

    first, second = module.encode(data), module.encode(other)

    assert torch.equal(first.joint.mean, second.joint.mean)
    assert torch.equal(first.st, second.st)
    assert torch.equal(first.sm, second.sm)


def test_decoders_see_every_batch_key(module, data) -> None:
    module.eval()
    latent, library = torch.zeros(10, 3), data.counts.sum(1)
    for key in range(2):
        batch = data.batch.clone()
        batch[:, key] = 1 - batch[:, key]

        assert not torch.equal(
            module.decode_st(latent, data.batch, library).log_mean,
            module.decode_st(latent, batch, library).log_mean,
        )
        assert not torch.equal(
            module.decode_sm(latent, data.batch).mean, module.decode_sm(latent, batch).mean
        )


def test_single_embeddings_see_their_own_modality_only(module, data) -> None:
    module.eval()
    codes = module.encode(data)

    assert torch.equal(codes.st, module.encode(data._replace(sm=data.sm + 1)).st)
    assert torch.equal(codes.sm, module.encode(data._replace(counts=data.counts + 1)).sm)


def test_joint_and_single_rows_are_decoded_by_the_same_weights(module, data) -> None:
    module.eval()
    out = module(data)

    alone = module.decode_sm(out.codes.sm, data.batch)

    torch.testing.assert_close(out.sm.mean[10:], alone.mean)
    torch.testing.assert_close(out.sm.sd[10:], alone.sd)


def test_the_metabolite_spread_has_a_floor(module, data) -> None:
    with torch.no_grad():
        module.sm_log_sd.bias.fill_(-100.0)

    assert module(data).sm.sd.min().item() >= module.sd_floor


def test_training_starts_at_the_average_spot(module, data) -> None:
    share = torch.tensor([0.5, 0.3, 0.2, 0.0, 0.0, 0.0])
    module.start_at(share)
    with torch.no_grad():
        module.st_log_share.weight.zero_()

    log_mean = module.decode_st(torch.zeros(2, 3), data.batch[:2], torch.ones(2)).log_mean

    torch.testing.assert_close(torch.exp(log_mean[0]), share, atol=0.01, rtol=0)


def test_without_batch_keys_there_is_no_batch_embedding(data) -> None:
    module = JointVAE(6, 4, params=NetParams(n_hidden=8, n_latent=3))

    out = module(data._replace(batch=torch.empty(10, 0).long()))

    assert out.st.log_mean.shape == (20, 6)
    assert not list(module.batch_embeddings.parameters())


def test_a_change_of_basis_moves_the_codes_and_not_what_is_decoded(module, data) -> None:
    module(data)  # gives the normalizations something to remember
    module.eval()
    library = data.counts.sum(1)
    before = module.encode(data)
    expected = module.decode_st(before.joint.mean, data.batch, library)
    expected_sm = module.decode_sm(before.sm, data.batch)
    matrix = torch.tensor([[1.0, 0.5, 0.0], [0.2, -0.3, 0.0], [0.0, 0.1, 2.0]])
    origin = torch.tensor([0.5, -1.0, 2.0])

    module.change_basis(matrix, origin)

    after = module.encode(data)
    for old, new in ((before.joint.mean, after.joint.mean), (before.st, after.st)):
        torch.testing.assert_close(new, (old - origin) @ matrix, atol=1e-5, rtol=1e-4)
    covariance = matrix.T @ torch.diag(before.joint.variance[0]) @ matrix
    torch.testing.assert_close(after.joint.variance[0], covariance.diagonal())
    found = module.decode_st(after.joint.mean, data.batch, library)
    for old, new in zip(expected, found, strict=True):
        torch.testing.assert_close(new, old, atol=1e-4, rtol=1e-4)
    found_sm = module.decode_sm(after.sm, data.batch)
    torch.testing.assert_close(found_sm.mean, expected_sm.mean, atol=1e-4, rtol=1e-4)


def test_two_changes_of_basis_are_one(module, data) -> None:
    module.eval()
    first, second = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), torch.eye(3)
    before = module.encode(data).joint

    module.change_basis(first, torch.zeros(3))
    module.change_basis(second * 0.5, torch.ones(3))

    after = module.encode(data).joint
    torch.testing.assert_close(after.mean, (before.mean @ first - 1) / 2)
    torch.testing.assert_close(after.variance, before.variance @ first.square() / 4)
