import numpy as np
import pytest

from training.inventory import BY_SYMBOL
from training.speak import speaking_order
from training.teacher.utterances import corpus, language_corpus


@pytest.mark.parametrize("language", ["ja", "en"])
def test_corpus_owns_every_token(language):
    for utterance in language_corpus(language, 30, seed=1):
        owners = np.array(utterance.owners)
        assert len(owners) == len(utterance.ipa) + 2
        assert len(utterance.least_frames) == len(utterance.most_frames) == len(owners)
        assert (np.array(utterance.least_frames) <= np.array(utterance.most_frames)).all()
        assert (np.diff(owners) >= 0).all()
        assert set(owners.tolist()) == set(range(len(utterance.phonemes)))
        assert utterance.phonemes[0] == utterance.phonemes[-1] == "SP"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_vowels_are_spoken_long_enough_to_have_a_middle(language):
    for utterance in language_corpus(language, 5, seed=1):
        least = np.bincount(utterance.owners, utterance.least_frames)
        vowel = [symbol != "SP" and BY_SYMBOL[symbol].is_vowel for symbol in utterance.phonemes]
        assert (least[vowel] >= 5).all()


def test_whatever_was_spoken_when_time_was_up_has_each_language_in_its_share():
    utterances = corpus("merlin", seed=1)
    order = speaking_order(utterances)
    assert sorted(map(hash, order)) == sorted(map(hash, utterances))
    share = np.mean([utterance.language == "ja" for utterance in utterances])
    for count in (20, 100, 200):
        assert np.mean([utterance.language == "ja" for utterance in order[:count]]) == pytest.approx(share, abs=0.03)
