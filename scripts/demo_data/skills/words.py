"""The words the skills speak of: plain lists, typed for this project."""

from __future__ import annotations


def _row(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _groups(text: str) -> tuple[tuple[str, ...], ...]:
    """Groups of words that belong together, such as hot/cold."""
    return tuple(tuple(group.split("/")) for group in text.split())


NAMES = _row(
    "Mia Tom Ada Ben Lena Omar Ruth Ivan Nora Hugo Zoë Paul Rosa Karl Yuki Amir Ines Otto Vera Noé Jana "
    "Felix Tara Leon Maya Emil Gwen Raul Edda Finn"
)

SURNAMES = _row("Quill Marsh Bolt Tanner Voss Reed Hale Orchard Finch Stone Brandt Lowe Pike Ashby Moor")

TOWNS = _row(
    "Norwick Eastmere Tallow Brackley Sunhaven Oldport Greenford Lindale Harrowby Westbrook Pinefield Marlow"
)

JOBS = _row("baker teacher nurse farmer pilot tailor painter carpenter gardener librarian plumber driver")

THINGS = _row(
    "pen book kite stamp marble card candle coin shell button ticket pear cup ribbon lemon brick plum drum"
)

# Words of four to eight letters, all lower case, for the work with letters.
WORDS = _row(
    "lamp river stone garden pepper letter window bridge candle forest winter summer market silver butter "
    "ladder mirror needle orange pencil rocket saddle tunnel valley walnut anchor basket carpet dragon "
    "engine feather glass hammer island jacket kettle lantern meadow napkin ocean paddle quilt ribbon "
    "spider timber umbrella velvet whistle yellow zebra acorn barrel cabin desert eagle falcon guitar harbor insect "
    "jungle kitten lemon magnet nectar oyster parrot quartz rabbit salmon teapot uncle violin wagon yogurt blanket "
    "cherry dolphin emerald flower grape hotel igloo jewel knight ledger mango noodle onion planet queen "
    "ranch sailor table urchin vessel wizard beetle copper donkey elbow fabric goblet honey"
)

# What can be counted in a list, by kind.
KINDS = {
    "fruit": _row("apple pear plum cherry mango grape lemon banana peach"),
    "animal": _row("horse rabbit goose tiger otter donkey spider whale pony"),
    "tool": _row("hammer saw drill wrench rake shovel chisel axe pliers"),
    "colour": _row("red green yellow purple white brown pink grey black"),
    "garment": _row("coat scarf shirt sock glove jacket skirt hat vest"),
}

OPPOSITES = _groups(
    "hot/cold big/small early/late full/empty fast/slow high/low open/closed hard/soft light/dark "
    "near/far old/new wet/dry rich/poor loud/quiet strong/weak thick/thin long/short clean/dirty happy/sad "
    "sweet/sour deep/shallow wide/narrow heavy/weightless first/last true/false alive/dead brave/timid "
    "rough/smooth sharp/blunt young/aged always/never above/below inside/outside buy/sell push/pull "
    "win/lose give/take start/finish day/night north/south friend/enemy question/answer"
)

PLURALS = _groups(
    "child/children mouse/mice tooth/teeth foot/feet goose/geese man/men woman/women person/people "
    "leaf/leaves knife/knives wolf/wolves shelf/shelves loaf/loaves life/lives half/halves thief/thieves "
    "box/boxes fox/foxes bus/buses dish/dishes watch/watches church/churches glass/glasses peach/peaches "
    "city/cities baby/babies lady/ladies berry/berries story/stories party/parties cherry/cherries "
    "potato/potatoes tomato/tomatoes hero/heroes sheep/sheep fish/fish deer/deer ox/oxen "
    "key/keys toy/toys"
)

# No two words of a group begin with the same letter, so that the letter decides the answer.
RHYMES = _groups(
    "cat/hat/mat/bat light/night/sight/right rain/train/chain/plain moon/spoon/noon/balloon "
    "tree/bee/sea/knee cake/lake/snake/rake house/mouse/blouse book/hook/cook/look ring/king/wing/string "
    "bell/shell/well/fell star/car/jar/guitar goat/boat/coat/note sand/hand/band/land "
    "day/play/clay/gray dog/frog/log/hog sock/clock/rock/lock"
)

# Things and containers with a size from 1 (a fist) to 6 (a hall); equal sizes are never asked.
SIZES = {
    **dict.fromkeys(_row("coin bean button ring pea"), 1),
    **dict.fromkeys(_row("cup shoe book teapot lemon"), 2),
    **dict.fromkeys(_row("pillow guitar goose melon drum"), 3),
    **dict.fromkeys(_row("bicycle armchair donkey piano ladder"), 4),
    **dict.fromkeys(_row("tractor van elephant sailboat haystack"), 5),
}
CONTAINERS = {
    **dict.fromkeys(_row("handbag lunchbox jar mitten"), 2),
    **dict.fromkeys(_row("backpack suitcase basket drawer"), 3),
    **dict.fromkeys(_row("trunk wardrobe crate bathtub"), 4),
    **dict.fromkeys(_row("garage shed bus barn"), 5),
    **dict.fromkeys(_row("hangar stadium cathedral warehouse"), 6),
}

WEEKDAYS = _row("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = _row("January February March April May June July August September October November December")

ONES = _row(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
TENS = _row("twenty thirty forty fifty sixty seventy eighty ninety")
