import pytest
import torch

from spatialmeta_core.integrate.losses import loss_tensors
from spatialmeta_core.integrate.modalities import Modality
from spatialmeta_core.integrate.module import JointVAE, Minibatch
from spatialmeta_core.params import LossWeights, NetParams

GENES = Modality("ST", 6, "zinb", is_counts=True)
METABOLITES = Modality("SM", 4, "gaussian", is_counts=False)
BOTH = (GENES, METABOLITES)


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return Minibatch(
        (
            torch.randint(0, 9, (10, 6), generator=generator).float() + torch.eye(10, 6),
            torch.randn(10, 4, generator=generator),
        ),
        torch.randint(0, 2, (10, 2), generator=generator),
    )


@pytest.fixture
def module():
    torch.manual_seed(0)
    return JointVAE(BOTH, batch_sizes=(2, 2), params=NetParams(n_hidden=8, n_latent=3))


def test_every_parameter_receives_a_gradient(module, data) -> None:
    loss_tensors(module(data), data).total(LossWeights(mmd=1.0)).backward()

    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_shares_of_the_library_sum_to_the_library(module, data) -> None:
    out = module(data).predicted[0]

    totals = torch.exp(out.log_mean).sum(1)
    torch.testing.assert_close(totals, data.values[0].sum(1).repeat(2))


def test_encoders_never_see_the_batch(module, data) -> None:
    module.eval()
    other = data._replace(batch=1 - data.batch)

    first, second = module.encode(data), module.encode(other)

    assert torch.equal(first.joint.mean, second.joint.mean)
    assert torch.equal(first.single[0], second.single[0])
    assert torch.equal(first.single[1], second.single[1])


def test_decoders_see_every_batch_key(module, data) -> None:
    module.eval()
    latent = torch.zeros(10, 3)
    for key in range(2):
        batch = data.batch.clone()
        batch[:, key] = 1 - batch[:, key]
        other = data._replace(batch=batch)

        for which in range(2):
            assert not torch.equal(
                module.decode(which, latent, data).expected(),
                module.decode(which, latent, other).expected(),
            )


def test_single_embeddings_see_their_own_modality_only(module, data) -> None:
    module.eval()
    counts, sm = data.values
    st_code, sm_code = module.encode(data).single

    assert torch.equal(st_code, module.encode(data._replace(values=(counts, sm + 1))).single[0])
    assert torch.equal(sm_code, module.encode(data._replace(values=(counts + 1, sm))).single[1])


def test_joint_and_single_rows_are_decoded_by_the_same_weights(module, data) -> None:
    module.eval()
    out = module(data)

    alone = module.decode(1, out.codes.single[1], data)

    torch.testing.assert_close(out.predicted[1].mean[10:], alone.mean)
    torch.testing.assert_close(out.predicted[1].sd[10:], alone.sd)


def test_the_metabolite_spread_has_a_floor(module, data) -> None:
    with torch.no_grad():
        module.decoders[1].heads["log_sd"].bias.fill_(-100.0)

    assert module(data).predicted[1].sd.min().item() >= module.decoders[1].sd_floor


def test_training_starts_at_the_average_spot(module, data) -> None:
    share = torch.tensor([0.5, 0.3, 0.2, 0.0, 0.0, 0.0])
    decoder = module.decoders[0]
    decoder.start_at(share)
    with torch.no_grad():
        decoder.heads["log_share"].weight.zero_()

    expected = module.decode(0, torch.zeros(10, 3), data).expected()

    total = data.values[0].sum(1, keepdim=True)
    torch.testing.assert_close(expected / total, share.expand(10, 6), atol=0.01, rtol=0)


def test_without_batch_keys_there_is_no_batch_embedding(data) -> None:
    module = JointVAE(BOTH, params=NetParams(n_hidden=8, n_latent=3))

    out = module(data._replace(batch=torch.empty(10, 0).long()))

    assert out.predicted[0].log_mean.shape == (20, 6)
    assert not list(module.batch_codes.parameters())


def test_a_change_of_basis_moves_the_codes_and_not_what_is_decoded(module, data) -> None:
    module(data)  # gives the normalizations something to remember
    module.eval()
    before = module.encode(data)
    expected = module.decode(0, before.joint.mean, data)
    expected_sm = module.decode(1, before.single[1], data)
    matrix = torch.tensor([[1.0, 0.5, 0.0], [0.2, -0.3, 0.0], [0.0, 0.1, 2.0]])
    origin = torch.tensor([0.5, -1.0, 2.0])

    module.change_basis(matrix, origin)

    after = module.encode(data)
    for old, new in ((before.joint.mean, after.joint.mean), (before.single[0], after.single[0])):
        torch.testing.assert_close(new, (old - origin) @ matrix, atol=1e-5, rtol=1e-4)
    covariance = matrix.T @ torch.diag(before.joint.variance[0]) @ matrix
    torch.testing.assert_close(after.joint.variance[0], covariance.diagonal())
    found = module.decode(0, after.joint.mean, data)
    for old, new in zip(expected, found, strict=True):
        torch.testing.assert_close(new, old, atol=1e-4, rtol=1e-4)
    found_sm = module.decode(1, after.single[1], data)
    torch.testing.assert_close(found_sm.mean, expected_sm.mean, atol=1e-4, rtol=1e-4)


def test_moving_a_batch_moves_its_codes_and_not_what_is_decoded(module, data) -> None:
    module.eval()
    before = module.encode(data)
    decoded = [module.decode(i, before.joint.mean, data) for i in range(2)]
    offset = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(1))

    module.move_batches([offset[0], None, offset[2]])

    after, level = module.encode(data), module.level_of(data.batch)
    torch.testing.assert_close(after.joint.mean, before.joint.mean - offset[0][level])
    torch.testing.assert_close(after.single[0], before.single[0])
    torch.testing.assert_close(after.single[1], before.single[1] - offset[2][level])
    for i, old in enumerate(decoded):
        new = module.decode(i, after.joint.mean, data)
        for one, other in zip(new, old, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_two_changes_of_basis_are_one(module, data) -> None:
    module.eval()
    first, second = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), torch.eye(3)
    before = module.encode(data).joint

    module.change_basis(first, torch.zeros(3))
    module.change_basis(second * 0.5, torch.ones(3))

    after = module.encode(data).joint
    torch.testing.assert_close(after.mean, (before.mean @ first - 1) / 2)
    torch.testing.assert_close(after.variance, before.variance @ first.square() / 4)


def test_a_shift_of_a_whole_batch_is_taken_from_what_the_encoders_read(module, data) -> None:
    module.eval()
    counts, sm = data.values
    level = module.level_of(data.batch)
    shifted = sm + torch.randn(4, 4)[level]

    def means(values):
        return torch.stack([values[level == k].mean(0) for k in range(4)]).double()

    module.center_inputs([means(torch.log1p(counts)), means(sm)], shift=True)
    moved_by = (means(shifted).nanmean(0) - means(sm).nanmean(0)).float()
    expected = module.encode(data._replace(values=(counts, sm + moved_by)))
    module.center_inputs([means(torch.log1p(counts)), means(shifted)], shift=True)
    found = module.encode(data._replace(values=(counts, shifted)))

    torch.testing.assert_close(found.joint.mean, expected.joint.mean, atol=1e-4, rtol=1e-4)
    assert torch.equal(found.single[0], expected.single[0])


def test_levels_number_the_combinations_of_batches(module) -> None:
    batch = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])

    assert module.level_of(batch).tolist() == [0, 1, 2, 3]
    alone = JointVAE(BOTH, params=NetParams(n_hidden=8, n_latent=3))
    assert alone.level_of(torch.empty(3, 0).long()).tolist() == [0, 0, 0]


def test_a_mean_that_is_kept_without_a_shift_changes_no_code(module, data) -> None:
    module.eval()
    before = module.encode(data).joint.mean

    module.center_inputs([torch.ones(4, 6).double(), torch.ones(4, 4).double()], shift=False)

    assert torch.equal(module.encode(data).joint.mean, before)
    assert torch.equal(module.mean_0, torch.ones(6))
