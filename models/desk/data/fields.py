"""The fields that `extract` asks for: their names, their kinds, and which could be mistaken for which."""

_SPEC = """
order number = order | order id, order no, order
invoice number = invoice | invoice id, invoice no, invoice
tracking number = tracking | tracking id, tracking code, parcel number
customer id = customer | customer number, client id
account number = account | account id
serial number = serial | serial no, serial
ticket number = ticket | case number, ticket id
booking reference = booking | booking number, reservation number
policy number = policy | insurance policy
name = name | customer name, full name, customer
agent name = titled | agent, staff member
recipient = person | recipient name
email = email | email address, e-mail, contact email
old email = email | previous email
new email = email
phone = phone | phone number, telephone, contact number
product = product | item, product name
quantity = quantity | number of items, qty
amount = amount | total, sum
refund amount = amount | refund
price = amount | item price
date = date
order date = date | purchase date
delivery date = date
due date = date | payment due date
appointment date = date
start date = date
end date = date
appointment time = time | time
city = city | town
departure city = city | departure
destination = city | destination city
country = country
address = address | street address, street
old address = address | previous address
new address = address
billing address = address
delivery address = address | shipping address
postcode = postcode | zip code, postal code
company = company | company name, organisation
reason = reason
card last four = four | last four digits, card digits
plan = plan | subscription plan
new plan = plan
colour = colour
size = size
username = username | user name, login
error code = error | error
coupon code = coupon | voucher code, promo code
carrier = carrier | courier
version = version | software version
room number = short | room
model number = code | model
"""

FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {}
for _line in _SPEC.strip().splitlines():
    _name_, _, _rest = _line.partition(" = ")
    _kind, _, _also = _rest.partition(" | ")
    FIELDS[_name_] = (_kind.strip(), tuple(a.strip() for a in _also.split(",") if a.strip()))

GROUPS: dict[str, tuple[str, ...]] = {
    "date": ("date", "order date", "delivery date", "due date", "appointment date", "start date", "end date"),
    "amount": ("amount", "refund amount", "price"),
    "address": ("address", "old address", "new address", "billing address", "delivery address"),
    "email": ("email", "old email", "new email"),
    "name": ("name", "agent name", "recipient"),
    "city": ("city", "departure city", "destination"),
    "plan": ("plan", "new plan"),
}
"""A general field and the particular ones of its sort: asking for the general one is fair only when it is alone."""


def group(name: str) -> str:
    """The general field that a field belongs to, or the field itself."""
    return next((general for general, members in GROUPS.items() if name in members), name)


def may_be_absent(name: str, present: set[str]) -> bool:
    """Whether asking for a field that the message lacks has the one fair answer null."""
    if name in present or name == "reason":
        return False
    general = group(name)
    if name == general:
        return not any(group(p) == general for p in present)
    return general not in present
