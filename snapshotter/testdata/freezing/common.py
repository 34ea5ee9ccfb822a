"""The pool of what does not depend on a locale: products, pages, devices and other things of a business."""

from __future__ import annotations

from snapshotter.testdata.freezing.drawing import distinct, draws, faker_of

_QUALITIES = ("Classic", "Compact", "Deluxe", "Everyday", "Handmade", "Heavy", "Large", "Light", "Organic", "Small")
_MATERIALS = ("Bamboo", "Brass", "Ceramic", "Copper", "Cotton", "Glass", "Leather", "Linen", "Oak", "Steel", "Wool")
_THINGS = {
    "Kitchen": ("Bowl", "Frying Pan", "Mug", "Teapot", "Bread Board", "Storage Jar"),
    "Bedroom": ("Blanket", "Cushion", "Bedside Lamp", "Pillow"),
    "Clothing": ("Belt", "Jacket", "Scarf", "Gloves", "Hat"),
    "Garden": ("Plant Pot", "Watering Can", "Bench", "Bird House"),
    "Office": ("Desk Tidy", "Notebook", "Chair", "Bookend"),
    "Toys": ("Puzzle", "Rocking Horse", "Building Blocks"),
}
_LISTS = {
    "device_model": (
        *("Pixel 8", "Pixel 8 Pro", "Pixel 7a", "Galaxy S24", "Galaxy S23", "Galaxy A54", "Galaxy Z Flip5"),
        *("iPhone 15", "iPhone 15 Pro", "iPhone 14", "iPhone SE", "iPad Air", "iPad mini", "Xperia 5 V"),
        *("OnePlus 12", "Redmi Note 13", "Moto G84", "Nothing Phone (2)", "Fairphone 5", "Nokia G42"),
    ),
    "page": (
        *("/", "/search", "/basket", "/checkout", "/checkout/payment", "/account", "/account/orders", "/help"),
        *("/kitchen", "/bedroom", "/clothing", "/garden", "/office", "/toys", "/sale", "/new", "/stores", "/gifts"),
    ),
    "referrer": (
        *("direct", "https://search.example.com/", "https://news.example.org/", "https://social.example.net/"),
        *("https://mail.example.com/", "https://prices.example.org/compare", "https://blog.example.net/gifts"),
    ),
    "campaign": (
        *("Spring sale", "Summer sale", "Back to school", "Black Friday", "Christmas gifts", "New year, new you"),
        *("Welcome", "We miss you", "Birthday treat", "Loyalty week", "Members' evening", "Free delivery weekend"),
    ),
    "venue": (
        *("High Street store", "Retail park", "Shopping centre", "Station kiosk", "Airport store", "Outlet village"),
        *("Garden centre", "Flagship store"),
    ),
    "access_point": tuple(
        f"ap-{place}-{number:02}" for place in ("cafe", "door", "floor", "till") for number in range(1, 9)
    ),
    "inspection_finding": (
        *("none", "fire door propped open", "extinguisher out of date", "blocked exit", "wet floor, no sign"),
        *("loose cable", "first-aid kit incomplete", "poor lighting", "damaged racking", "no risk assessment"),
        *("alarm not tested", 'sign "No entry" missing'),
    ),
    "currency": ("GBP", "EUR", "USD", "BRL"),
    "domain": ("example.com", "example.org", "example.net"),
    "payment_method": ("card", "card", "card", "card", "bank transfer", "wallet", "wallet", "voucher", "cash"),
}


def pool(seed: int) -> dict[str, list[str]]:
    """The lists; `product` and `product_category` belong together, item by item."""
    faker = faker_of("en_GB", seed)
    products = [
        (f"{quality} {material} {thing}", category)
        for category, things in _THINGS.items()
        for thing in things
        for quality in _QUALITIES
        for material in _MATERIALS
    ]
    return {
        "product": [product for product, _ in products],
        "product_category": [category for _, category in products],
        "catch_phrase": distinct(faker.catch_phrase, 2048),
        "colour": distinct(faker.color_name, 140),
        "user_agent": _user_agents(),
        "word": draws(faker.word, 1024),
        "sentence": [_punctuated(text, number) for number, text in enumerate(distinct(faker.sentence, 1024))],
        **{name: list(texts) for name, texts in _LISTS.items()},
    }


def _user_agents() -> list[str]:
    """What the browsers of 2023 and 2024 call themselves; Faker's are mostly older than twenty years."""
    safari = "AppleWebKit/537.36 (KHTML, like Gecko)"
    desktops = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
    found = [
        f"Mozilla/5.0 ({system}) {safari} Chrome/{version}.0.0.0 Safari/537.36{more}"
        for version in range(112, 125)
        for system in (*desktops, "Linux; Android 10; K")
        for more in ("", f" Edg/{version}.0.0.0")
    ]
    found += [
        f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
        for version in range(112, 126)
        for system in desktops
    ]
    found += [
        f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        f"Version/{major}.{minor} Mobile/15E148 Safari/604.1"
        for major in (15, 16, 17)
        for minor in range(6)
    ]
    return found


def _punctuated(text: str, number: int) -> str:
    """Every fourth sentence with a comma, every sixteenth with quotes: readers stumble over them."""
    words = text.split(" ")
    if number % 16 == 0:
        words[1] = f'"{words[1]}"'
    elif number % 4 == 0:
        words[1] += ","
    return " ".join(words)
