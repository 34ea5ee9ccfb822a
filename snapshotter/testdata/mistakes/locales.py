"""What mistakes must know of a country: its keyboard, how its language sounds, how streets and numbers are written."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from snapshotter.testdata.mistakes.keyboard import ABNT2, QWERTY, Keyboard
from snapshotter.testdata.mistakes.rules import Rules
from snapshotter.testdata.mistakes.words import Lookup, pairs

LOOKS = Rules(
    "O>0 0>O o>0 l>1 1>l I>1 1>I I>l l>I S>5 5>S s>5 B>8 8>B Z>2 2>Z G>6 6>G g>9 9>g q>g g>q D>O D>0 rn>m m>rn "
    "cl>d d>cl vv>w w>vv ri>n li>h nn>m c>e e>c h>b t>f i>l i>1 u>v ii>u",
    any_case=False,
)
"""What a scanner mistakes: O for 0, rn for m …"""

_VOWELS = "aeiou"


def _doubles(letters: str) -> str:
    """Rules for consonants that are written once or twice between vowels."""
    return " ".join(
        f"{letter * 2}>{letter} " + " ".join(f"~{letter}{vowel}>{letter * 2}{vowel}" for vowel in _VOWELS)
        for letter in letters
    )


_HISSES = " ".join(f"~s{vowel}>z{vowel} ~z{vowel}>s{vowel}" for vowel in _VOWELS)
_ENGLISH = (
    "ph>f f>ph ck>k -k$>ck ie>ei ei>ie s$>z z$>s -y>i -i>y -y$>ie ie$>y ey$>y -y$>ey ^kn>n ^wr>r ^wh>w ee>ea ea>ee "
    "ay>ai ai>ay oy>oi oi>oy ou>oo ow>ou au>aw aw>au x>ks qu>kw th>t gh>g ce>se ca>ka co>ko ke>ce sh>ch ss>s ~se>sse "
    f"{_HISSES} {_doubles('bdfglmnprt')}"
)
_PORTUGUESE = (
    "ss>ç ss>s ç>ss ç>s z$>s s$>z x>ch ch>x lh>li -li>lh nh>ni ge>je je>ge gi>ji ji>gi ce>se ci>si se>ce si>ci "
    "-y>i -i>y y>i qu>k k>c ou>o -l$>u ão$>am -mb>nb -mp>np ph>f th>t w>v rr>r ^ha>a ^he>e ^hi>i ^ho>o ^hu>u "
    f"{_HISSES} {_doubles('lnt')}"
)

_ENGLISH_STREETS = (
    "Road=Rd Street=St Avenue=Ave Lane=Ln Drive=Dr Close=Cl Court=Ct Crescent=Cres Gardens=Gdns Grove=Gr Place=Pl "
    "Square=Sq Terrace=Ter Park=Pk Hill=Hl Way=Wy Green=Grn House=Ho Station=Stn Boulevard=Blvd Circle=Cir "
    "Parkway=Pkwy Highway=Hwy Apartment=Apt. Suite=Ste Junction=Jct Mount=Mt Saint=St. North=N South=S East=E West=W "
    "New=Nw Upper=Upr Lower=Lwr Great=Gt Little=Lt Fort=Ft Port=Pt Lake=Lk"
)
_PORTUGUESE_STREETS = (
    "Rua=R. Avenida=Av. Travessa=Tv. Praça=Pç. Alameda=Al. Estrada=Estr. Rodovia=Rod. Largo=Lgo. Vila=Vl. Jardim=Jd. "
    "Parque=Pq. Conjunto=Cj. Condomínio=Cond. Quadra=Qd. Viela=Vla. Doutor=Dr. Doutora=Dra. Professor=Prof. "
    "Coronel=Cel. General=Gen. Presidente=Pres. Santo=Sto. Santa=Sta. São=S. Nossa=N. Senhora=Sra. Campo=C. "
    "Bloco=Bl. Apartamento=Ap. Lote=Lt. Número=nº Passarela=Pass. Trecho=Tr. Setor=St. Núcleo=Nuc. Residencial=Res. "
    "Fazenda=Faz. Sítio=Sít. Ladeira=Ld. Morro=Mor. Favela=Fav. Esplanada=Esp. Chácara=Chác. Distrito=Dist."
)
_ENGLISH_TITLES = "Mr=Mr. Mrs=Mrs. Ms=Ms. Miss=Ms Dr=Dr. Doctor=Dr Professor=Prof Reverend=Rev Sir=Sir."
_PORTUGUESE_TITLES = "Sr.=Sr Sra.=Sra Srta.=Srta Senhor=Sr. Senhora=Sra. Senhorita=Srta. Dr.=Dr Dra.=Dra Doutor=Dr."


@dataclass(frozen=True)
class Telephone:
    """How telephone numbers are written.

    Args:
        country: what stands before them from abroad.
        trunk: what stands before them instead at home.
        last: how many digits stand behind the last blank.
    """

    country: str
    trunk: str
    last: int


@dataclass(frozen=True)
class Locale:
    """All of that.

    Args:
        keyboard: on which people type there.
        sounds: what they confuse by ear.
        ascii_sounds: the same in e-mail addresses.
        streets: what is abbreviated in addresses, and back.
        titles: the same of titles.
        telephone: how numbers are written.
        month_first: whether 12/31/2024 is a date there, rather than 31/12/2024.
    """

    keyboard: Keyboard
    sounds: Rules
    ascii_sounds: Rules
    streets: Lookup
    titles: Lookup
    telephone: Telephone
    month_first: bool


_TELEPHONES = {"en_GB": Telephone("+44", "0", 6), "en_US": Telephone("+1", "", 7), "pt_BR": Telephone("+55", "", 9)}


@functools.cache
def locale_of(name: str) -> Locale:
    """What is known of a locale.

    Raises:
        ValueError: nothing is.
    """
    if name not in _TELEPHONES:
        raise ValueError(f"nothing is known about mistakes in the locale {name}; there are {', '.join(_TELEPHONES)}")
    english = name.startswith("en")
    rules = _ENGLISH if english else _PORTUGUESE
    return Locale(
        keyboard=QWERTY if english else ABNT2,
        sounds=Rules(rules, any_case=True),
        ascii_sounds=Rules(" ".join(rule for rule in rules.split() if rule.isascii()), any_case=True),
        streets=Lookup(pairs(_ENGLISH_STREETS if english else _PORTUGUESE_STREETS)),
        titles=Lookup(pairs(_ENGLISH_TITLES if english else _PORTUGUESE_TITLES)),
        telephone=_TELEPHONES[name],
        month_first=name == "en_US",
    )
