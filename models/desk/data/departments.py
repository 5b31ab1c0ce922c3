"""Broad labels, such as the queues of a desk, and the topics that belong to each."""

# (names of training, names held out, topics)
DEPARTMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "billing": (
        ("billing", "payment", "invoice", "payments and bills", "accounting"),
        ("finance", "charges", "bookkeeping"),
        (
            "shop.invoice", "telecom.phone-bill", "saas.billing", "utilities.bill", "utilities.instalments",
            "health.medical-bill", "restaurant.bill", "insurance.premium", "school.fees", "bank.fee",
        ),
    ),
    "delivery": (
        ("delivery", "shipping", "parcel", "logistics", "delivery problem"),
        ("dispatch", "transport of goods"),
        (
            "shop.late", "parcel.tracking", "parcel.delivered-not-here", "parcel.redelivery", "parcel.pickup",
            "restaurant.delivery-late",
        ),
    ),
    "technical": (
        ("technical support", "tech", "technical problem", "IT", "bug"),
        ("engineering", "malfunction"),
        (
            "telecom.internet-down", "telecom.slow-internet", "saas.crash", "saas.sync", "ithelp.printer", "ithelp.laptop",
            "ithelp.vpn", "ithelp.wifi", "library.ebooks",
        ),
    ),
    "returns": (
        ("returns", "return or exchange", "refunds and returns", "returns desk"),
        ("goods coming back", "give back"),
        ("shop.return", "shop.exchange", "shop.refund"),
    ),
    "account": (
        ("account", "login", "account access", "password and login"),
        ("sign-in trouble", "access to profile"),
        ("saas.login", "saas.password", "ithelp.account-locked"),
    ),
    "booking": (
        ("booking", "reservation", "appointments", "bookings"),
        ("reserving", "scheduling"),
        (
            "travel.book-flight", "travel.hotel-book", "health.appointment", "restaurant.book-table", "library.room",
            "health.move-appointment", "restaurant.change-table", "travel.change-flight",
        ),
    ),
    "cancellation": (
        ("cancellation", "wants to leave", "end of contract", "churn"),
        ("termination", "goodbye"),
        (
            "telecom.contract-end", "saas.cancel-subscription", "insurance.cancel-policy", "gym.cancel",
            "bank.close-account",
        ),
    ),
    "security": (
        ("fraud", "security", "fraud and security", "safety"),
        ("misuse", "crime prevention"),
        ("bank.fraud", "bank.lost-card", "ithelp.phishing-report"),
    ),
    "hours": (
        ("opening hours", "when open", "hours"),
        ("business hours", "times of opening"),
        ("health.opening", "library.opening", "restaurant.opening"),
    ),
    "quality": (
        ("product quality", "damaged or defective", "defect", "product problem"),
        ("faulty goods", "flaw"),
        ("shop.damaged", "shop.warranty"),
    ),
    "sales": (
        ("sales", "wants to buy", "new customer", "sales enquiry"),
        ("prospect", "purchase interest"),
        ("insurance.new-policy", "gym.join", "bank.open-account", "telecom.upgrade", "shop.stock"),
    ),
    "staff": (
        ("staff", "HR", "employees", "personnel"),
        ("workforce", "people department"),
        ("hr.leave", "hr.payroll", "hr.contract", "hr.training", "hr.parental", "hr.resign"),
    ),
}
# Pairs that one message could belong to.
BLURRED = (
    {"returns", "quality"}, {"returns", "billing"}, {"cancellation", "staff"}, {"account", "technical"},
    {"account", "security"}, {"technical", "security"}, {"returns", "delivery"}, {"hours", "booking"},
)
