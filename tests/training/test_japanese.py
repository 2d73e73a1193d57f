import pytest

from training.inventory import BY_SYMBOL, PHONEME_IDS
from training.languages import japanese


def test_every_mora_is_spelled_in_the_inventory():
    for mora, phonemes in japanese.mora_table().items():
        symbols = [f"ja/{phoneme}" for phoneme in phonemes]
        assert all(symbol in PHONEME_IDS for symbol in symbols), mora
        assert BY_SYMBOL[symbols[-1]].is_vowel or mora == "っ"


def test_ids_start_at_one_with_the_shared_symbols():
    assert list(PHONEME_IDS.values()) == list(range(1, len(PHONEME_IDS) + 1))
    assert list(PHONEME_IDS)[:2] == ["SP", "AP"]


@pytest.mark.parametrize(
    ("kana", "ipa"),
    [("しんぶん", "ɕimbɯɴ"), ("すずき", "sɨzɨkʲi"), ("がっこー", "ɡaʔkoː"), ("にゃんこ", "ɲaŋko")],
)
def test_spelling_is_what_the_teacher_was_trained_on(kana, ipa):
    spelled = japanese.spell(japanese.split_morae(kana))
    assert "".join(characters for _, characters in spelled) == ipa
    phonemes = japanese.group_phonemes(japanese.split_morae(kana))
    assert tuple(phoneme for phoneme, _ in spelled) == phonemes


def test_unknown_characters_are_refused():
    with pytest.raises(ValueError, match="漢"):
        japanese.split_morae("か漢")


def test_every_sentence_can_be_split():
    assert len(japanese.sentences()) >= 75
    assert all(japanese.group_phonemes(group) for text in japanese.sentences() for group in text)


def test_chains_cover_native_morae_after_every_vowel_and_are_seeded():
    texts = japanese.chains(110, seed=1)
    assert texts == japanese.chains(110, seed=1)
    met = set()
    for text in texts:
        for group in text:
            left = "pause"
            for mora in group:
                if mora != japanese.LONG:
                    met.add((left, mora))
                    left = japanese.mora_table()[mora][-1]
    native = "あいうえおかきくけこさしすせそたちつてとなにぬねのまみむめもらりるれろ"
    wanted = {(left, mora) for left in ("pause", *"aiueo", "N") for mora in native}
    assert len(met & wanted) / len(wanted) > 0.97


def test_no_chain_invites_a_whispered_vowel():
    table = japanese.mora_table()
    for text in japanese.chains(40, seed=3):
        for group in text:
            for mora, following in zip(group, (*group[1:], None), strict=True):
                phonemes = table.get(mora, ())
                high = len(phonemes) > 1 and phonemes[-1] in "iu"
                if high and phonemes[0] in japanese.UNVOICED and following != japanese.LONG:
                    assert following is not None
                    assert following == "っ" or table[following][0] not in japanese.UNVOICED
