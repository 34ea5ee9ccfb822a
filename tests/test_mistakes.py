"""The mistakes of people: what each kind does, what holds for any text, how often each is."""

import hashlib
import itertools
import re
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snapshotter.testdata.draws import Draws
from snapshotter.testdata.mistakes import USUAL, USUAL_COUNTS, Kind, Mistakes, Role
from snapshotter.testdata.mistakes.keyboard import ABNT2, QWERTY

# Of what every kind makes; recorded anew, and told in the changelog, when it must change.
GOLDEN = "61d469474c000587450ac1b24cbedba709dad06215bac712dbadcaffac323893"
# As the contract's type has it: snapshotter/contract/types.py.
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
NICKNAMES = [("William", "Bill"), ("William", "Will"), ("Philip", "Phil"), ("José", "Zé"), ("Ann", "Ann")]
LETTERS = [kind for kind in Kind if kind in USUAL[Role.FREE_TEXT]]


def words(count, seed=0):
    """A word for each row."""
    return Draws(seed, 1).words(count)


def results(kind, role, text, locale="en_GB", **settings_):
    """All that one kind makes of one text, in 2,000 tries; empty where it cannot be made."""
    mistakes = Mistakes(
        {"field": role}, locale=locale, weights={"field": {kind: 1}}, how_many={1: 1}, nicknames=NICKNAMES, **settings_
    )
    made = mistakes.make({"field": np.array([text] * 2000)}, words(2000))
    found = set(zip(made.fields["field"].tolist(), made.done["field"].tolist(), strict=True))
    assert found <= {(text, 0)} or all(done == Kind[kind.upper()] for _, done in found)
    return {result for result, done in found if done}


@pytest.mark.parametrize(
    ("kind", "role", "text", "expected"),
    [
        ("omitted", "last_name", "Lee-Ann", {"Le-Ann", "Lee-An"}),
        ("omitted", "last_name", "X Y", set()),
        ("doubled", "last_name", "Abe", {"Abbe", "Abee"}),
        ("swapped", "last_name", "Abba", {"Baba", "Abab"}),
        ("swapped", "phone", "+1 12", {"+1 21"}),
        ("swapped", "last_name", "Éa", {"Aé"}),
        ("swapped", "last_name", "Aa", set()),
        ("swapped", "identifier", "A1", set()),
        ("typo", "phone", "-1-", {"-2-"}),
        ("typo", "last_name", "Q", {"W", "A"}),
        ("typo", "last_name", "日本", set()),
        ("inserted", "last_name", "P", {"PO", "PL"}),
        ("inserted", "last_name", "Pa", {"Poa", "Pla", "Paq", "Paw", "Pas", "Paz"}),
        ("ocr", "postcode", "O8", {"08", "OB"}),
        ("ocr", "last_name", "arn", {"am"}),
        ("ocr", "last_name", "Ad", {"Acl"}),
        ("phonetic", "first_name", "Phil", {"Fil", "Phyl"}),
        ("phonetic", "first_name", "PHUD", {"FUD"}),
        ("phonetic", "last_name", "FUD", {"PHUD"}),
        ("phonetic", "last_name", "Knu", {"Nu"}),
        ("phonetic", "last_name", "Uknu", set()),
        ("phonetic", "last_name", "Allu", {"Alu"}),
        ("phonetic", "last_name", "Alu", {"Allu"}),
        ("accents", "last_name", "Ação", {"Acao"}),
        ("accents", "last_name", "Acao", set()),
        ("upper", "last_name", "McÉß", {"MCÉß"}),
        ("lower", "last_name", "McÉ", {"mcé"}),
        ("lower", "last_name", "mcé", set()),
        ("truncated", "free_text", "abcdefgh", set()),
        ("truncated", "free_text", "abc def ghijk", {"abc def", "abc def gh", "abc def ghij"}),
        ("part", "full_name", "Ann Mary Sue Lee", {"Ann Sue Lee", "Ann Mary Lee"}),
        ("part", "full_name", "Ann Lee", {"Ann", "Lee"}),
        ("part", "full_name", "Ann", set()),
        ("part", "street", "12 High Street", {"High Street"}),
        ("part", "street", "Rua das Flores, 123", {"Rua das Flores"}),
        ("part", "street", "Great High Street", {"Great Street"}),
        ("part", "postcode", "SW1A 1AA", {"SW1A"}),
        ("part", "postcode", "12345-678", {"12345"}),
        ("part", "postcode", "12345", set()),
        ("blank", "free_text", "abc", {""}),
        ("spacing", "postcode", "SW1A 1AA", {"SW1A1AA"}),
        ("spacing", "town", " a b c ", {" ab c ", " a bc "}),
        ("nickname", "first_name", "William", {"Bill", "Will"}),
        ("nickname", "full_name", "Philip William Lee", {"Phil William Lee"}),
        ("nickname", "first_name", "Willia", set()),
        ("nickname", "first_name", "Williamson", set()),
        ("abbreviated", "street", "12 High Road, Flat", {"12 High Rd, Flat"}),
        ("abbreviated", "street", "12 High Rd", {"12 High Road"}),
        ("abbreviated", "street", "12 Broadview", set()),
        ("abbreviated", "title", "Mr", {"Mr."}),
        ("mail_ending", "email", "a@b.org", {f"a@b.{end}" for end in ("ogr", "orgg", "prg", "irg", "rog", "og")}),
        ("mail_ending", "email", "a.com@b.uk", set()),
        ("mail_dot", "email", "a.b@b.org", {"ab@b.org"}),
        ("mail_dot", "email", "ab@b.org", set()),
        ("domain_dot", "email", "a.b@c.d.org", {"a.b@c.dorg"}),
        ("domain_dot", "email", "a.b@c", set()),
        ("swapped", "email", "ab@cd.ef", {"ba@cd.ef"}),
        ("year_off", "date", "2024-02-29", {"2023-02-28", "2025-02-28"}),
        ("year_off", "date", "9999-01-01", {"9998-01-01"}),
        ("year_off", "date", "0001-01-01", {"0002-01-01"}),
        ("decade_off", "date", "1996-02-29T10:11:12", {"1986-02-28T10:11:12", "2006-02-28T10:11:12"}),
        ("day_month", "date", "2024-05-06", {"2024-06-05"}),
        ("day_month", "date", "2024-05-13", set()),
        ("day_month", "date", "2024-05-05", set()),
        ("new_year", "date", "2024-05-06", {"2024-01-01"}),
        ("new_year", "date", "2024-01-01", set()),
        ("day_off", "date", "2024-02-29", {"2024-02-28", "2024-03-01"}),
        ("day_off", "date", "1999-12-31 23:59", {"1999-12-30 23:59", "2000-01-01 23:59"}),
        ("day_off", "date", "31/12/1999", {"30/12/1999", "01/01/2000"}),
        ("day_off", "date", "12/31/1999", set()),
        ("day_off", "date", "2023-02-29", set()),
        ("day_off", "date", "2023-02-281", set()),
        ("day_off", "date", "soon", set()),
    ],
)
def test_a_kind_makes_of_a_text(kind, role, text, expected):
    """Each kind makes these results of a text, and no others."""
    assert results(kind, role, text) == expected


@pytest.mark.parametrize(
    ("locale", "text", "expected"),
    [
        ("en_GB", "+44 7700 900123", {"07700 900123", "+447700900123", "+44-7700-900123"}),
        ("en_GB", "07700900123", {"+44 7700900123", "07700 900123"}),
        ("en_GB", "+44 (0)20 1234", {"+440201234", "+44-(0)20-1234"}),
        ("en_US", "+1 (212) 555-0123", {"(212) 555-0123", "+12125550123", "+1 (212) 555 0123"}),
        ("en_US", "212-555-0123", {"+1 212-555-0123", "2125550123", "212 555 0123"}),
        ("en_US", "1-212-555-0123", {"12125550123", "1 212 555 0123"}),
        ("pt_BR", "+55 11 98765-4321", {"11 98765-4321", "+5511987654321", "+55 11 98765 4321"}),
        ("pt_BR", "(11) 98765-4321", {"+55 (11) 98765-4321", "11987654321", "(11) 98765 4321"}),
        ("pt_BR", "11987654321", {"+55 11987654321", "11 987654321"}),
        ("en_GB", "none", set()),
    ],
)
def test_a_number_is_written_in_another_way(locale, text, expected):
    """A telephone number gets or loses its country, its marks or its groups, and nothing else."""
    assert results("phone_format", "phone", text, locale) == expected


@pytest.mark.parametrize(
    ("kind", "role", "text", "expected"),
    [
        ("phonetic", "last_name", "Lessa", {"Leça", "Lesa"}),
        ("phonetic", "first_name", "Helena", {"Elena", "Hellena", "Helenna"}),
        ("phonetic", "last_name", "Filho", {"Filio"}),
        ("phonetic", "email", "lessa@a.org", {"lesa@a.org"}),
        ("typo", "last_name", "Ç", {"L", "P"}),
        ("typo", "email", "l@a.org", {"o@a.org", "p@a.org", "k@a.org"}),
        ("abbreviated", "street", "Rua das Flores, 123", {"R. das Flores, 123"}),
        ("abbreviated", "town", "São Paulo", {"S. Paulo"}),
        ("nickname", "first_name", "José", {"Zé"}),
        ("day_off", "date", "01/03/2023", {"28/02/2023", "02/03/2023"}),
    ],
)
def test_a_kind_knows_brazil(kind, role, text, expected):
    """Keyboard, sounds and abbreviations are those of the locale; e-mail addresses stay ASCII."""
    assert results(kind, role, text, "pt_BR") >= expected
    if role != "last_name":
        assert results(kind, role, text, "pt_BR") == expected


def test_an_american_date_has_its_month_first():
    """12/31/1999 is New Year's Eve in en_US."""
    assert results("day_off", "date", "12/31/1999", "en_US") == {"12/30/1999", "01/01/2000"}


# The middle of each key of a keyboard in millimetres, measured from the middle of the key 1; keys are 19 mm apart.
_MILLIMETRES = {
    "1": (0, 0), "2": (19, 0), "3": (38, 0), "4": (57, 0), "5": (76, 0), "6": (95, 0), "7": (114, 0), "8": (133, 0),
    "9": (152, 0), "0": (171, 0),
    "q": (9.5, 19), "w": (28.5, 19), "e": (47.5, 19), "r": (66.5, 19), "t": (85.5, 19), "y": (104.5, 19),
    "u": (123.5, 19), "i": (142.5, 19), "o": (161.5, 19), "p": (180.5, 19),
    "a": (14.25, 38), "s": (33.25, 38), "d": (52.25, 38), "f": (71.25, 38), "g": (90.25, 38), "h": (109.25, 38),
    "j": (128.25, 38), "k": (147.25, 38), "l": (166.25, 38), "ç": (185.25, 38),
    "z": (23.75, 57), "x": (42.75, 57), "c": (61.75, 57), "v": (80.75, 57), "b": (99.75, 57), "n": (118.75, 57),
    "m": (137.75, 57),
}  # fmt: skip


@pytest.mark.parametrize(("keyboard", "keys"), [(QWERTY, set(_MILLIMETRES) - {"ç"}), (ABNT2, set(_MILLIMETRES))])
def test_neighbours_touch(keyboard, keys):
    """The neighbours of a key are those keys of its sort whose middle is nearer than one and a half keys' widths."""
    for letter in keys:
        expected = {
            other
            for other in keys - {letter}
            if other.isdigit() == letter.isdigit()
            and np.hypot(*np.subtract(_MILLIMETRES[letter], _MILLIMETRES[other])) < 1.41 * 19
        }
        first, count = keyboard.first[ord(letter)], keyboard.count[ord(letter)]
        assert {chr(code) for code in keyboard.neighbours[first : first + count]} == expected


# One text for each role in which each of its kinds can be made.
EVERYTHING = {
    Role.FIRST_NAME: "José Filipe",
    Role.LAST_NAME: "Conceição da Silva",
    Role.FULL_NAME: "José Conceição Silva",
    Role.TITLE: "Sra.",
    Role.EMAIL: "Philip.Smith@example.com",
    Role.PHONE: "+55 11 98765-4321",
    Role.STREET: "Rua Conceição, 123",
    Role.TOWN: "São José Paulista",
    Role.POSTCODE: "Sw1a 1AB",
    Role.DATE: "1987-06-05",
    Role.FREE_TEXT: "Amanhã ligar outra vez",
    Role.IDENTIFIER: "CB-10452",
}


@pytest.mark.parametrize("role", Role)
def test_kinds_are_as_frequent_as_their_weights(role):
    """Over 100,000 rows, chi-square stays below its 99.99 % bound; the seed is fixed, so it always does."""
    rows = 100_000
    mistakes = Mistakes({"x": role}, locale="pt_BR", how_many={1: 1}, nicknames=NICKNAMES)
    other = {"x": np.array(["Other"] * rows)}
    made = mistakes.make({"x": np.array([EVERYTHING[role]] * rows)}, words(rows, 7), married=other, moved=other)
    seen = np.bincount(made.done["x"], minlength=len(Kind))
    expected = np.zeros(len(Kind))
    for kind, weight in USUAL[role].items():
        expected[kind] = rows * weight / sum(USUAL[role].values())
    wanted = expected > 0
    assert set(np.flatnonzero(seen)) == set(np.flatnonzero(wanted))
    chi = ((seen - expected)[wanted] ** 2 / expected[wanted]).sum()
    freedom = np.count_nonzero(wanted) - 1
    # Wilson and Hilferty's approximation of the quantile of chi-square; 3.72 is that of the normal distribution.
    assert chi < freedom * (1 - 2 / (9 * freedom) + 3.72 * (2 / (9 * freedom)) ** 0.5) ** 3


def test_what_cannot_be_made_falls_to_the_others_by_their_weights():
    """Where no nickname is known, its share is that of the other kinds, in their proportions."""
    rows = 100_000
    weights = {"x": {"nickname": 50, "upper": 30, "lower": 10, "accents": 10}}
    mistakes = Mistakes({"x": "first_name"}, weights=weights, how_many={1: 1}, nicknames=NICKNAMES)
    made = mistakes.make({"x": np.array(["Zoe"] * rows)}, words(rows))
    seen = np.bincount(made.done["x"], minlength=len(Kind))
    assert seen[Kind.UPPER] + seen[Kind.LOWER] == rows
    assert abs(seen[Kind.LOWER] / rows - 0.25) < 0.006  # four standard deviations


@pytest.mark.parametrize("how_many", [None, {0: 1, 1: 2, 3: 1}])
def test_fields_that_err_are_as_many_as_asked(how_many):
    """The number of fields that err in a row has its weights, and each field errs as often as another."""
    rows, names = 100_000, "abcde"
    made = Mistakes(dict.fromkeys(names, "free_text"), how_many=how_many).make(
        {name: np.array(["Some words to err in"] * rows) for name in names}, words(rows, 3)
    )
    erring = np.array([made.done[name] != 0 for name in names])
    weights = how_many or USUAL_COUNTS
    seen = np.bincount(erring.sum(axis=0), minlength=6)
    for count, weight in weights.items():
        assert abs(seen[count] / rows - weight / sum(weights.values())) < 0.0065
    assert np.ptp(erring.sum(axis=1)) < rows * 0.013


def test_empty_fields_do_not_err_and_do_not_count():
    """In a row with one field that is not empty, that one errs; in an empty row none does."""
    roles = {"a": "free_text", "b": "last_name", "c": "date"}
    fields = {"a": np.array(["", ""]), "b": np.array(["Smith", ""]), "c": np.array(["", ""])}
    for seed in range(20):
        made = Mistakes(roles, how_many={2: 1}).make(fields, words(2, seed))
        assert (made.done["b"] != 0).tolist() == [True, False]
        assert not made.done["a"].any()
        assert not made.done["c"].any()
        assert made.labels()[0] == f"b:{Kind(made.done['b'][0]).label}"
        assert made.labels()[1] == ""


def test_a_wedding_changes_the_name_and_sometimes_the_address():
    """The name begins it; the title follows always, the e-mail address in half of the rows, and never one alone."""
    rows = 20_000
    fields = {"last": "Smith", "title": "Miss", "mail": "ann.smith@example.com", "id": "A-1"}
    married = {"last": "Jones", "title": "Mrs", "mail": "ann.jones@example.com"}
    made = Mistakes(
        {"last": "last_name", "mail": "email", "id": "identifier"},
        weights={"last": {"married": 1}},
    ).make(_columns(fields, rows), words(rows), married=_columns(married, rows))
    wed = made.done["last"] == Kind.MARRIED
    assert 0.2 < wed.mean() < 0.8
    assert set(made.fields["last"][wed]) == {"Jones"}
    assert ((made.done["title"] == Kind.MARRIED) == wed).all()
    followed = made.done["mail"] == Kind.MARRIED
    assert not followed[~wed].any()
    assert set(made.fields["mail"][followed]) == {"ann.jones@example.com"}
    assert abs(followed[wed].mean() - 0.5) < 0.03


def test_a_move_takes_the_whole_address():
    """Street, town and postcode move together; what is the same in the other place is not called a change."""
    rows = 5_000
    fields = {"street": "12 High Street", "town": "Leeds", "postcode": "LS1 4AP", "county": "Yorkshire"}
    moved = {"street": "9 Mill Lane", "town": "Leeds", "postcode": "LS2 8BB", "county": "Kent"}
    made = Mistakes({"street": "street", "town": "town", "postcode": "postcode"}).make(
        _columns(fields, rows), words(rows), moved=_columns(moved, rows)
    )
    gone = made.done["street"] == Kind.MOVED
    assert gone.any()
    for name in ("street", "postcode", "county"):
        assert ((made.done[name] == Kind.MOVED) == gone).all()
        assert set(made.fields[name][gone]) == {moved[name]}
    assert not (made.done["town"] == Kind.MOVED).any()


def _columns(texts, rows):
    return {name: np.array([text] * rows) for name, text in texts.items()}


anything = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)
likely = st.one_of(
    anything,
    st.text("abcdefglmnoprstuyzABCIOSéçãõß 0158-.,@'", max_size=40),
    st.sampled_from(list(EVERYTHING.values())),
    st.builds(lambda day: day.isoformat(), st.dates()),
    st.builds(lambda one, two: f"{one}@{two}.example.com", *[st.text("abc.de-19", min_size=1, max_size=9)] * 2),
)


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(likely, min_size=1, max_size=12),
    role=st.sampled_from(Role),
    locale=st.sampled_from(["en_GB", "en_US", "pt_BR"]),
    seed=st.integers(0, 1000),
)
@example(["a@b.com", "@.", ".@", "@"], Role.EMAIL, "en_GB", 0)
@example(["", " ", ",", " , "], Role.STREET, "en_US", 0)
def test_what_holds_for_any_text(texts, role, locale, seed):
    """Code and change go together; nothing is emptied but by the kind that does it; no control characters come in."""
    column, many = np.array(texts, dtype=np.str_), words(len(texts), seed)
    before = column.copy()
    mistakes = Mistakes({"x": role}, locale=locale, how_many={1: 1}, nicknames=NICKNAMES)
    made = mistakes.make({"x": column}, many)
    assert (column == before).all()
    for old, new, done in zip(texts, made.fields["x"].tolist(), made.done["x"].tolist(), strict=True):
        assert (old != new) == (done != Kind.NOTHING)
        assert new or not old or done == Kind.BLANK
        assert new.isprintable() or not old.isprintable()
        assert done == Kind.NOTHING or Kind(done) in USUAL[role]
        assert old or not new
        if len(old) > 1 and old.isascii() and old.isalnum() and role is Role.FREE_TEXT:
            assert done


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(likely, min_size=2, max_size=12), role=st.sampled_from(Role), cut=st.integers(1, 11))
def test_chunks_do_not_count(texts, role, cut):
    """The whole is the parts put together, and each row is the same alone."""
    many = words(len(texts), 5)
    mistakes = Mistakes({"x": role, "y": "last_name"}, nicknames=NICKNAMES, locale="pt_BR")
    other = ["Filha", *texts[1:]]

    def made(some):
        part = {"x": np.array(texts[some]), "y": np.array(texts[some])}
        married = {"y": np.array(other[some])}
        wrong = mistakes.make(part, many[some], married=married)
        return [*(wrong.fields[name].tolist() for name in "xy"), *(wrong.done[name].tolist() for name in "xy")]

    whole = made(slice(None))
    for pieces in ([slice(cut), slice(cut, None)], [slice(row, row + 1) for row in range(len(texts))]):
        parts = [made(piece) for piece in pieces if texts[piece]]
        assert [list(itertools.chain(*column)) for column in zip(*parts, strict=True)] == whole


def test_more_rows_than_a_block_are_done_alike():
    """Rows are worked on some at a time, which nobody can see."""
    rows = 70_000
    mistakes = Mistakes({"x": "full_name", "y": "email"}, nicknames=NICKNAMES)
    fields = _columns({"x": "William James Smith", "y": "w.smith@example.com"}, rows)
    whole = mistakes.make(fields, words(rows))
    last = mistakes.make({name: column[-9:] for name, column in fields.items()}, words(rows)[-9:])
    assert (whole.labels()[-9:] == last.labels()).all()
    assert whole.fields["x"][-9:].tolist() == last.fields["x"].tolist()


def test_the_same_words_give_the_same_mistakes_for_ever():
    """What is made of some texts is written down here: another version of anything must not change it."""
    fields = {"first": "William", "mail": "w.smith@example.com", "born": "1987-06-05"}
    roles = {"first": "first_name", "mail": "email", "born": "date"}
    made = Mistakes(roles, nicknames=NICKNAMES).make(_columns(fields, 4), words(4))
    assert list(zip(*(made.fields[name].tolist() for name in fields), strict=True)) == [
        ("William", "w.msith@example.com", "1988-06-05"),
        ("William", "W.SMITH@EXAMPLE.COM", "1987-01-01"),
        ("William", "w.smith@example.com", ""),
        ("Wylliam", "w.smyth@example.com", "1987-06-05"),
    ]


def test_every_kind_gives_the_same_bytes_for_ever():
    """The digest of 4,000 rows with a field of each role, in each locale."""
    digest = hashlib.sha256()
    for locale in ("en_GB", "en_US", "pt_BR"):
        made = Mistakes({role: role for role in Role}, locale=locale, nicknames=NICKNAMES, how_many={6: 1}).make(
            _columns(EVERYTHING, 4_000), words(4_000)
        )
        for column in (*made.fields.values(), made.labels()):
            digest.update("\n".join(column.tolist()).encode())
    assert digest.hexdigest() == GOLDEN


@settings(max_examples=200, deadline=None)
@given(day=st.dates(date(2, 1, 1), date(9998, 12, 31)), seed=st.integers(0, 99))
def test_dates_stay_dates(day, seed):
    """Any date errs, into another date, by as much as the kind says."""
    texts = np.array([day.isoformat()] * 30)
    made = Mistakes({"x": "date"}, how_many={1: 1}, valid=["x"]).make({"x": texts}, words(30, seed))
    for text, done in zip(made.fields["x"].tolist(), made.done["x"].tolist(), strict=True):
        other = date.fromisoformat(text)
        match Kind(done):
            case Kind.YEAR_OFF:
                assert abs(other.year - day.year) == 1
            case Kind.DECADE_OFF:
                assert abs(other.year - day.year) == 10 or not 10 < day.year < 9990
            case Kind.DAY_MONTH:
                assert (other.year, other.month, other.day) == (day.year, day.day, day.month)
            case Kind.NEW_YEAR:
                assert other == date(day.year, 1, 1)
            case Kind.DAY_OFF:
                assert abs(other - day) == timedelta(1)
            case kind:
                pytest.fail(kind.label)


def test_addresses_stay_valid_where_they_must():
    """A typed column takes what errs in a field that must stay valid; elsewhere some are no addresses any more."""
    rows = 20_000
    texts = np.array(["john.smith@example.com", "ana1@mail.example.org", "x_y-z@example.net", "Ph@example.com"] * 5_000)
    for locale in ("en_GB", "pt_BR"):
        made = Mistakes({"x": "email"}, locale=locale, how_many={1: 1}, valid=["x"]).make({"x": texts}, words(rows))
        assert made.done["x"].all()
        assert all(EMAIL.fullmatch(text) for text in made.fields["x"].tolist())
    made = Mistakes({"x": "email"}, how_many={1: 1}).make({"x": texts}, words(rows))
    invalid = [Kind(kind) for text, kind in zip(*_both(made), strict=True) if not EMAIL.fullmatch(text)]
    assert set(invalid) == {Kind.BLANK, Kind.DOMAIN_DOT}
    assert not any(kind.valid for kind in invalid)


def _both(made):
    return made.fields["x"].tolist(), made.done["x"].tolist()


def test_what_comes_in_may_be_of_any_type_of_text():
    """Objects, other byte orders, slices and empty columns are texts, too; a field without a role passes through."""
    mistakes = Mistakes({"x": "last_name"}, how_many={1: 1}, weights={"x": {"upper": 1}})
    for column in (
        np.array(["Smith", ""], dtype=object),
        np.array(["Smith", ""]).astype(">U9"),
        np.array(["-", "Smith", "-", ""])[1::2],
    ):
        made = mistakes.make({"x": column, "y": np.array(["a", "b"])}, words(2))
        assert made.fields["x"].tolist() == ["SMITH", ""]
        assert made.fields["y"].tolist() == ["a", "b"]
        assert "y" not in made.done
    nothing = mistakes.make({"x": np.array([], dtype=np.str_)}, words(0))
    assert nothing.fields["x"].tolist() == nothing.labels().tolist() == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"roles": {"x": "surname"}}, "x: no role is called surname; there are first_name, last_name"),
        ({"locale": "de_DE"}, "locale de_DE; there are en_GB, en_US, pt_BR"),
        ({"weights": {"y": {"typo": 1}}}, "weights: no field with a role is called y; there are x"),
        ({"weights": {"x": {"day_off": 1}}}, "x: no mistake of a email is called day_off; there are typo, omitted"),
        ({"weights": {"x": {"blank": 1}}, "valid": ["x"]}, "email that must stay valid is called blank"),
        ({"weights": {"x": {"typo": -1}}}, "x: the weight of typo is -1; a number from 0 is allowed"),
        ({"weights": {"x": {"typo": "much"}}}, "the weight of typo is much"),
        ({"weights": {"x": {"typo": float("nan")}}}, "the weight of typo is nan"),
        ({"weights": {"x": {"typo": True}}}, "the weight of typo is True"),
        ({"weights": {"x": {"typo": 0}}}, "x: all weights are 0"),
        ({"weights": {"x": {}}}, "x: all weights are 0"),
        ({"how_many": {1: -2}}, "how_many: the weight of 1 is -2"),
        ({"how_many": {-1: 2}}, "how_many: -1 is no number of fields; whole numbers from 0"),
        ({"how_many": {0: 0}}, "how_many: all weights are 0"),
        ({"valid": ["z"]}, "valid: no field with a role is called z"),
    ],
)
def test_wrong_settings_are_named(arguments, says):
    """What is unknown or no weight is an error that says what is allowed."""
    with pytest.raises(ValueError, match=re.escape(says)):
        Mistakes(**({"roles": {"x": "email"}} | arguments))


def test_wrong_columns_are_named():
    """A field that is missing, or of another length, is an error."""
    mistakes = Mistakes({"x": "last_name"})
    with pytest.raises(ValueError, match="no field is called x; there are y"):
        mistakes.make({"y": np.array(["a"])}, words(1))
    with pytest.raises(ValueError, match="no field is called z; there are x"):
        mistakes.make({"x": np.array(["a"])}, words(1), moved={"z": np.array(["a"])})
    with pytest.raises(ValueError, match="x has 1 rows, and there are 2 words"):
        mistakes.make({"x": np.array(["a"])}, words(2))


def test_weights_may_be_fractions():
    """0.25 and 0.75 are weights as good as 1 and 3."""
    texts = {"x": np.array(["Smith"] * 4000)}
    made = [
        Mistakes({"x": "last_name"}, weights={"x": weights}).make(texts, words(4000)).labels().tolist()
        for weights in ({"upper": 0.25, "lower": 0.75}, {"upper": 1, "lower": 3})
    ]
    assert made[0] == made[1]
    assert Counter(made[0]).keys() == {"", "x:upper", "x:lower"}


def test_every_kind_belongs_to_a_role_and_says_what_it_is():
    """No kind is out of use, and the numbers, which stand in files, are these for ever."""
    used = {kind for kinds in USUAL.values() for kind in kinds}
    assert used == set(Kind) - {Kind.NOTHING}
    assert [kind.value for kind in Kind] == list(range(28))
    assert all(kind.says for kind in Kind)
