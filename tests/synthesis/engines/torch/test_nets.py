import numpy as np
import pytest

torch = pytest.importorskip("torch")

from singsynth_mcp.synthesis.engines.torch.blocks import owners, position_features  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.durations import LARGEST_SHARE, DurationPredictor  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.linguistic import LinguisticEncoder  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.pitch import AHEAD, BEHIND, PitchPredictor  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.retake import keep  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.source_filter import BANDS  # noqa: E402
from singsynth_mcp.synthesis.engines.torch.vocoder import DETAIL_BANDS, detail_matrix, sharpened  # noqa: E402

HIDDEN = 16


def test_owners_skip_segments_of_no_length():
    index = owners(torch.tensor([[2, 0, 3]]), torch.arange(5)[None])
    assert index.tolist() == [[0, 0, 2, 2, 2]]


def test_position_features_run_from_one_edge_to_the_other():
    durations, frames = torch.tensor([[4, 6]]), torch.arange(10)[None]
    features = position_features(durations, frames, owners(durations, frames))
    fraction = features[0, :, 0].numpy()
    np.testing.assert_allclose(fraction[:4], [0.125, 0.375, 0.625, 0.875])
    assert fraction[4] == pytest.approx(1 / 12)


def test_words_sum_to_their_length_and_consonants_never_take_most_of_one():
    torch.manual_seed(0)
    encoder, predictor = LinguisticEncoder(10, 2, HIDDEN, 1), DurationPredictor(HIDDEN, 16, 1)
    word_div, word_dur = torch.tensor([[1, 2, 4, 1]]), torch.tensor([[8, 40, 5, 90]])
    tokens = torch.tensor([[1, 4, 5, 4, 6, 7, 8, 1]])
    out, masks = encoder(tokens, torch.ones_like(tokens), word_div, word_dur)
    frames = predictor(out, masks, torch.full_like(tokens, 60), torch.zeros(1, 8, HIDDEN))[0].detach()
    words = torch.split(frames, word_div[0].tolist())
    assert [float(word.sum()) for word in words] == pytest.approx(word_dur[0].tolist(), rel=1e-4)
    assert float(words[2][1:].sum()) <= LARGEST_SHARE * 5 + 1e-4


def melody(notes=(60.0, 64.0, 62.0), frames=60):
    midi = torch.tensor([notes])
    count = len(notes)
    total = count * frames
    return {
        "encoder_out": torch.zeros(1, count, HIDDEN),
        "ph_dur": torch.full((1, count), frames),
        "note_midi": midi,
        "note_rest": torch.zeros(1, count, dtype=torch.bool),
        "note_dur": torch.full((1, count), frames),
        "pitch": torch.full((1, total), 50.0),
        "expr": torch.ones(1, total),
        "retake": torch.ones(1, total, dtype=torch.bool),
        "spk_embed": torch.zeros(1, total, HIDDEN),
        "steps": torch.tensor(10),
    }


def pitch_net():
    torch.manual_seed(0)
    response = torch.zeros(AHEAD + 1 + BEHIND)
    response[BEHIND - 4 : BEHIND + 1] = 0.2
    return PitchPredictor(HIDDEN, 16, 1, response, 5.5)


def test_pitch_transposes_with_the_notes():
    net = pitch_net()
    low = net(**melody()).detach()
    high = net(**melody(tuple(note + 12.0 for note in (60.0, 64.0, 62.0)))).detach()
    torch.testing.assert_close(high - low, torch.full_like(low, 12.0))


def test_expression_scales_what_is_added_to_the_notes():
    net, feed = pitch_net(), melody()
    plain = net(**{**feed, "expr": torch.zeros(1, 180)}).detach()
    full, half = net(**feed).detach(), net(**{**feed, "expr": torch.full((1, 180), 0.5)}).detach()
    torch.testing.assert_close(half - plain, 0.5 * (full - plain), atol=1e-4, rtol=0)
    assert plain[0, 40:55].numpy() == pytest.approx(60.0)


def test_steps_and_the_curve_given_do_not_matter_where_all_is_retaken():
    net, feed = pitch_net(), melody()
    other = {**feed, "steps": torch.tensor(50), "pitch": torch.full((1, 180), 90.0)}
    torch.testing.assert_close(net(**feed), net(**other))


def test_kept_frames_stay_and_the_seam_has_no_step():
    predicted, given = torch.full((1, 80), 60.0), torch.full((1, 80), 62.0)
    retake = torch.arange(80)[None] >= 40
    joined = keep(predicted, given, retake)
    assert torch.equal(joined[:, :40], given[:, :40])
    assert float(joined.diff().abs().max()) < 0.6
    assert joined[0, 60:].numpy() == pytest.approx(60.0)


def test_formants_are_raised_above_their_surroundings_the_more_the_lower_the_voice():
    slope = torch.linspace(-2.0, -8.0, BANDS)
    formant = 2.0 * torch.exp(-(((torch.arange(BANDS) - 30.0) / 2.0) ** 2))
    f0 = torch.tensor([[110.0, 220.0, 880.0]])

    def above(envelope: torch.Tensor) -> np.ndarray:
        raised = sharpened(envelope.expand(1, 3, BANDS), f0, detail_matrix()) - envelope
        return raised[0].numpy()

    inner = slice(DETAIL_BANDS, -DETAIL_BANDS)
    np.testing.assert_allclose(above(slope)[:, inner], 0.0, atol=1e-5)
    raised = above(slope + formant)
    assert (raised[:, 30] > 0).all()
    assert (raised[:, [25, 35]] < 0).all()
    assert (np.diff(raised[:, 30]) < 0).all()
    np.testing.assert_allclose(above(torch.full((BANDS,), -14.0)), 0.0, atol=1e-5)  # silence
