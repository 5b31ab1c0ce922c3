"""Clauses that carry a value, in words that training never sees; the form is that of extract_clauses.py."""

from .extract_clauses import bank

HELDOUT = bank("""
= order number
The purchase is filed as order @ on your side.
Kindly open up order @ first.
On the receipt I can make out order number @.
What I bought went through as order @.
Does order @ ring a bell?
I'd point you to order @.
= invoice number
At the top of the page there is invoice @.
Our bookkeeping has it as invoice @.
Have a look at bill number @.
We hold an invoice numbered @.
= tracking number
According to the shipper the tracking code is @.
Following the package with @ leads nowhere.
The shop passed on tracking number @ to me.
= customer id
On your letters I appear as customer @.
My record with you has customer number @.
The id you gave me as a customer is @.
= serial number
Engraved on the case is the serial @.
Under the lid there's a serial number, @.
I copied the serial from the label: @.
= ticket number
The chat gave me @ as a ticket number.
An earlier request of mine was filed as ticket @.
= booking reference
Our stay is stored as booking @.
The hotel mailed us the reference @.
= name
You're talking to @.
They call me @.
Signed, @
Warmly, @
Everything runs under my name, @.
Please address the letter to me, @.
= agent name
The lady on the phone introduced herself as @.
A certain @ at your desk took my call.
= email
My inbox is @.
For written replies there's @.
Answers should land at @.
I signed up back then with @.
An email to @ will find me.
= phone
A call to @ works best.
I pick up at @ all day.
Dial @ to get hold of me.
My line is @.
= product
What I purchased is a @.
All of this is because of my @.
I'm the owner of a @.
My question is about one @.
= quantity
Put me down for @ pieces.
We'd go for @ of those.
The box was to hold @ units.
= amount
My bank shows a booking of @.
In the end @ went out.
I handed over @ for it.
The receipt reads @.
= refund amount
What I want returned to me is @.
There's still @ to be given back to me.
= date
All this took place on @.
The day in question is @.
= order date
I clicked buy on @.
My purchase went through on @.
= delivery date
The courier had announced @ as the day of arrival.
It was meant to reach us on @.
= due date
The last day for the payment is @.
We must settle it no later than @.
= appointment date
Would @ work for the visit?
I'd come by on @.
= appointment time
Ideally we'd start at @.
The clock time we agreed on was @.
= city
These days home is @.
You'd be sending it to somebody in @.
My flat is in the city of @.
= country
At present we stay in @.
= address
My front door is at @.
Bring the box to @.
Our place is @.
= old address
Until we moved it was @.
Please forget @, we no longer live there.
= new address
Our new place is @.
Mail should reach us at @ from now on.
= company
The buyer is a firm, @.
I do the purchasing at @.
= reason
If you need a reason: @.
Put down as reason: @.
= card last four
The plastic I used ends on @.
Final four numbers on the card: @.
= plan
What we pay for every month is the @ plan.
Currently I'm a @ subscriber.
= new plan
What I'd rather have is the @ plan.
Moving up to @ would be great.
= colour
I went for the shade @.
= size
For fit, I picked @.
= error code
The display blinks with error @.
A box pops up with code @.
= coupon code
My voucher reads @.
At the till I entered @ as a discount code.
= carrier
The van belonged to @.
= model number
On the plate it reads model @.
= account number
The account to look at is @.
= username
On your site I go by @.
= recipient
The present is intended for @.
= policy number
My cover has policy number @.
""")
