"""Training learns, repeats itself, goes on where it was, and refuses what can't be learned from."""

from pathlib import Path
from uuid import uuid4

import msgspec
import numpy as np
import pytest
import torch

from ml import artefact, evaluation
from ml.adam import Adam
from ml.data import TrainingData, held_out, of_taxonomies, training_data, without_held_out
from ml.features import BUCKETS, grams
from ml.problems import ModelArtefactCorrupt, TrainingDataInvalid, TrainingFailed
from ml.sampling import PairSampler
from ml.text_base import encode_many, fit_text_encoder
from ml.towers import Towers, sampled_softmax_loss
from ml.training import train
from ml.training_job import Job
from ml.training_settings import Progress
from passerelle.skills.taxonomy import esco
from tests.ml.factories import QUICK, starter_data, starter_model
from tests.skills.factories import ESCO_DIRECTORY, needs_esco, starter


def test_the_same_seed_gives_the_same_model() -> None:
    again = train(starter_data(), QUICK)
    assert np.array_equal(again.as_evidence, starter_model().as_evidence)
    assert np.array_equal(again.as_requirement, starter_model().as_requirement)
    other = train(starter_data(), msgspec.structs.replace(QUICK, seed=2))
    assert not np.array_equal(other.as_evidence, starter_model().as_evidence)


def test_a_training_that_was_broken_off_ends_as_if_it_never_had(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.step == 45:
            raise Killed()

    settings = msgspec.structs.replace(QUICK, checkpoint_steps=20)
    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        train(starter_data(), settings, watch=kill, checkpoint=checkpoint)
    seen: list[int] = []
    model = train(
        starter_data(), settings, watch=lambda one: seen.append(one.step), checkpoint=checkpoint
    )
    assert seen[0] == 41
    assert np.array_equal(model.as_evidence, starter_model().as_evidence)


def test_a_cut_checkpoint_costs_time_and_nothing_else(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(b"half of a checkpoi")
    model = train(starter_data(), QUICK, checkpoint=checkpoint)
    assert np.array_equal(model.as_evidence, starter_model().as_evidence)


def test_a_training_that_does_not_help_gives_no_model() -> None:
    with pytest.raises(TrainingFailed, match="before"):
        train(starter_data(), msgspec.structs.replace(QUICK, steps=1, learning_rate=1e-12))


def test_a_learning_rate_beyond_reason_gives_no_model() -> None:
    with pytest.raises(TrainingFailed):
        train(starter_data(), msgspec.structs.replace(QUICK, learning_rate=1e30))


def test_a_link_to_an_unknown_skill_is_refused_by_name() -> None:
    skills = [(uuid4(), "one"), (uuid4(), "two")]
    stranger = uuid4()
    with pytest.raises(TrainingDataInvalid, match=str(stranger)):
        training_data(skills, [(uuid4(), "2511", stranger, True)])


def test_an_empty_taxonomy_is_refused() -> None:
    with pytest.raises(TrainingDataInvalid, match="0 occupations"):
        training_data([], [])


def test_the_datas_hash_does_not_depend_on_its_order() -> None:
    data = starter_data()
    turned = TrainingData(data.skill_ids, data.texts, data.needs[::-1])
    assert turned.hash() == data.hash()


def test_a_job_comes_back_as_it_was_and_a_cut_one_is_refused_by_name(tmp_path: Path) -> None:
    Job(starter_data(), QUICK).save(tmp_path)
    assert Job.load(tmp_path).data.hash() == starter_data().hash()
    path = tmp_path / Job.JOB
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingDataInvalid, match=r"job\.msgpack"):
        Job.load(tmp_path)


def test_nothing_of_a_held_out_concept_is_seen() -> None:
    full, seen = starter_data(), without_held_out(starter_data())
    hidden = {place for place, one in enumerate(full.skill_ids) if held_out(one)}
    assert hidden
    assert all(seen.texts[place] == "" for place in hidden)
    assert not any(held_out(need.id) for need in seen.needs)
    assert not any(hidden & {*need.essential, *need.optional} for need in seen.needs)


def test_no_n_gram_crosses_two_texts_and_equal_texts_have_equal_ones() -> None:
    buckets, owners = grams(["gérer", "gerer", "données"])
    of = [sorted(buckets[owners == which].tolist()) for which in range(3)]
    assert of[0] == of[1]
    assert of[0] != of[2]
    assert 0 <= buckets.min() <= buckets.max() < BUCKETS
    assert len(of[0]) == len(" gerer ") - 2 + len(" gerer ") - 3


def test_one_text_is_encoded_like_many() -> None:
    data = starter_data()
    encoder, fitted = fit_text_encoder(data.texts, torch.Generator().manual_seed(1))
    many = encode_many(encoder, data.texts[:50]).numpy()
    assert np.allclose(many, fitted[:50], atol=1e-4)
    assert np.allclose(many, encoder.encode(data.texts[:50]), atol=1e-5)
    assert np.allclose(np.linalg.norm(many, axis=1), 1, atol=1e-5)
    assert not encoder.encode([""]).any()


def test_pairs_of_a_batch_come_from_the_occupation_they_are_marked_with() -> None:
    data = starter_data()
    batch = PairSampler(data, 3).draw(64, 16)
    assert batch.same.shape == (64, 80)
    assert batch.same[torch.arange(64), torch.arange(64)].all()
    needs = [{*need.essential, *need.optional} for need in data.needs]
    for row in range(64):
        asked = set(batch.requisitions.skills[batch.requisitions.rows == row].tolist())
        assert any(asked <= need for need in needs)
    total = torch.exp(batch.log_chance)
    assert bool(((total > 0) & (total < 1)).all())


def test_the_correction_favours_no_candidate_for_being_drawn_often() -> None:
    """With scores that know nothing, the corrected loss expects each occupation alike."""
    batch = PairSampler(starter_data(), 3).draw(64, 0)
    scores = torch.zeros(64, 64, requires_grad=True)
    sampled_softmax_loss(scores, batch).backward()  # type: ignore[no-untyped-call]
    gradient = scores.grad
    assert gradient is not None
    off = ~torch.eye(64, dtype=torch.bool) & ~batch.same
    pushed = (gradient * off).sum(dim=0)
    often = batch.log_chance > batch.log_chance.median()
    assert pushed[often].mean() < pushed[~often].mean()


def test_towers_before_training_are_the_texts_alone() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(5, 96), dim=1)
    as_evidence, as_requirement = Towers(vectors).skill_vectors()
    assert torch.allclose(as_evidence, vectors)
    assert torch.allclose(as_requirement, vectors)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e9])
def test_a_model_with_a_number_that_is_none_or_giant_is_not_saved(
    tmp_path: Path, wrong: float
) -> None:
    vectors = starter_model().as_evidence.copy()
    vectors[3, 4] = wrong
    poisoned = msgspec.structs.replace(starter_model(), as_evidence=vectors)
    with pytest.raises(ModelArtefactCorrupt, match="as_evidence"):
        artefact.save(poisoned, tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


def test_a_saved_model_comes_back_and_a_changed_or_cut_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    sha256 = artefact.save(starter_model(), path)
    back = artefact.load(path, sha256)
    assert back.skill_ids == starter_model().skill_ids
    assert np.array_equal(back.as_evidence, starter_model().as_evidence)
    assert back.metrics == starter_model().metrics
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelArtefactCorrupt, match="not the file"):
        artefact.load(path, sha256)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelArtefactCorrupt, match=r"model\.npz"):
        artefact.load(path)
    path.unlink()
    with pytest.raises(ModelArtefactCorrupt, match="No such file"):
        artefact.load(path)


def test_a_trained_model_finds_more_than_an_untrained_one() -> None:
    """On the starter taxonomy, whose held-out occupations are few: all are asked here."""
    data = starter_data()
    untrained = fit_text_encoder(data.texts, torch.Generator().manual_seed(1))[1].numpy()
    plain = msgspec.structs.replace(
        starter_model(), as_evidence=untrained, as_requirement=untrained
    )
    _, _, text, trained = evaluation.compare(
        data, {"text": plain, "towers": starter_model()}, seed=0
    )
    assert trained.disjoint_recall_at_10 > text.disjoint_recall_at_10


@needs_esco
def test_on_occupations_it_never_saw_it_beats_the_untrained_and_the_random(
    capsys: pytest.CaptureFixture[str],
) -> None:
    full = of_taxonomies(starter(), esco(ESCO_DIRECTORY))
    seen = without_held_out(full)
    settings = msgspec.structs.replace(QUICK, steps=60, pairs=384)
    model = train(seen, settings, served_texts=full.texts)
    encoder = model.text_encoder()
    text = encode_many(encoder, full.texts).numpy()
    untrained = msgspec.structs.replace(model, as_evidence=text, as_requirement=text)
    results = evaluation.compare(full, {"untrained": untrained, "towers": model}, seed=0)
    with capsys.disabled():
        for one in results:
            print(
                f"\n  {one.method}: overlapping {one.overlapping_recall_at_10:.3f},"
                f" disjoint {one.disjoint_recall_at_10:.3f}",
                end="",
            )
    _, _, before, after = results
    assert after.overlapping_recall_at_10 > before.overlapping_recall_at_10
    assert after.disjoint_recall_at_10 > before.disjoint_recall_at_10 + 0.05
    # Ten random ones of about nine thousand candidates find a tenth of a percent.
    assert after.disjoint_recall_at_10 > 0.1


def test_our_adam_moves_as_torchs_does() -> None:
    start = torch.randn(7, 3, generator=torch.Generator().manual_seed(1))
    target = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    ours = start.clone().requires_grad_()
    theirs = start.clone().requires_grad_()
    adam, reference = Adam([ours]), torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.99))
    for _ in range(25):
        ((ours - target) ** 2).sum().backward()  # type: ignore[no-untyped-call]
        adam.step(0.1)
        reference.zero_grad()
        ((theirs - target) ** 2).sum().backward()  # type: ignore[no-untyped-call]
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-5)
