"""What customers tell, case by case: ways to say it (all with the same slots), the summary, and the wishes that fit.

A way of telling may have several clauses, parted by ` / `; other sentences can come between them.
"""

from .grammar import lines

# wish: (summary, ways of training, ways held out)
WISHES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "replacement": ("They want a replacement.", lines("""
        please send me a new one
        I would like [a replacement|another one|a new one in its place]
        can you [swap it for a new one|replace it|send a fresh one]?
        I expect a new one
        a replacement would be [fine|great|the right thing]
        could I get one that works in its place?
    """), lines("""
        would you ship me an intact one?
        let me have another one, please
        it ought to be replaced
    """)),
    "refund": ("They want their money back.", lines("""
        I want my money back
        please [refund me|pay me back|return my money]
        can I have a refund?
        I would like [to be paid back|a full refund|the money returned to me]
        when do I get my money back?
        just give me my money back
    """), lines("""
        kindly credit what I paid
        I insist on a reimbursement
        the sum should return to my account
    """)),
    "repair": ("They want it repaired.", lines("""
        can you [fix|repair|mend] it?
        I would like to have it [fixed|repaired]
        please repair it
        could somebody from your workshop fix this?
        I want it to be mended
    """), lines("""
        is your workshop able to put it right?
        I hope that you can make it whole again
    """)),
    "when": ("They ask when it will arrive.", lines("""
        when will it [arrive|come|get here]?
        can you tell me when it will be here?
        how long do I still have to wait for it?
        please let me know the day it comes
        on which day can I expect it?
    """), lines("""
        what is the expected day of delivery?
        how soon may I count on it?
    """)),
    "cancel": ("They want to cancel the order.", lines("""
        please cancel the order
        I want to cancel it
        can I still cancel my order?
        take the order back, I do not want it any more
        just call the whole order off
    """), lines("""
        I wish to withdraw from the purchase
        let us forget about that order
    """)),
    "parts": ("They want the missing parts.", lines("""
        please send [the missing parts|what is missing|the rest]
        can you post the parts that are not there?
        I would like to get the missing pieces
        all I need are the parts that were left out
    """), lines("""
        would you put the remainder in the post?
        I only lack those bits, do mail them
    """)),
    "call": ("They want to be called back.", lines("""
        please call me back
        can somebody [phone|ring|call] me?
        I would like to be called
        give me a call, please
        I prefer a call to a mail
    """), lines("""
        would one of you telephone me?
        do ring me up about it
    """)),
    "explain": ("They ask for an explanation.", lines("""
        can you explain [this|that|why]?
        please tell me why
        I would like to understand what happened
        what is the reason for this?
        how can that be?
    """), lines("""
        would you shed some light on it?
        I should like to hear what lies behind it
    """)),
    "correct": ("They want it corrected.", lines("""
        please correct [it|this|that]
        can you put this right?
        I would like you to correct it
        this has to be changed
        please change it to what is right
    """), lines("""
        do set the record straight
        kindly amend it
    """)),
    "move": ("They ask for another date.", lines("""
        can we find another day?
        I need a different date
        is there another date for me?
        could we move it to another day?
        please give me a new date
    """), lines("""
        what other dates do you have?
        might it be put off to a later day?
    """)),
    "help": ("They ask for help.", lines("""
        can you help me?
        please help
        what can I do?
        I need your help with this
        could somebody tell me what to do?
    """), lines("""
        I would be grateful for a hand
        any advice for me?
    """)),
    "apology": ("They want an apology.", lines("""
        I expect an apology
        an apology is the least I want
        you should say sorry for that
        I would like to hear that you are sorry
    """), lines("""
        a word of regret from you is due
        I wait for somebody to apologise
    """)),
}

# family: (summary, wishes, ways of training)
_TRAIN: dict[str, tuple[str, str, str]] = {
    "broken": ("The customer's {product} arrived broken on {date}.", "replacement refund repair", """
        my {product} arrived broken on {date}
        on {date} I got my {product} / it was [broken|in pieces|cracked] when I opened the box
        the {product} that came on {date} is [damaged|broken|smashed]
        I unpacked the {product} on {date} / one side was [broken off|cracked]
        I ordered a {product} / when it came on {date}, it was broken
        it is about the {product} that you sent me / it got here on {date} and was [smashed|broken] already
    """),
    "late": ("The customer's order {order} for a {product} has not arrived.", "when cancel refund", """
        I ordered a {product} with the number {order} / it has not come yet
        my order {order} is not here / it is a {product}
        order {order}, a {product}, [still has not arrived|is late|never came]
        I am still waiting for my {product} / the order number is {order}
        where is my {product}? / I ordered it under {order} and have got nothing
        the {product} from order {order} should have been here long ago
    """),
    "wrong": ("The customer ordered a {product} but received a {product2}.", "replacement refund", """
        I ordered a {product} but got a {product2}
        in the box was a {product2} / I had ordered a {product}
        you sent me a {product2} / my order was for a {product}
        I wanted a {product} / what came was a {product2}
        there must be a mix-up / I have a {product2} here and not the {product} that I ordered
        why did I get a {product2}? / I paid for a {product}
    """),
    "missing": ("Parts of the customer's {product} were missing.", "parts refund replacement", """
        my {product} came without all its parts
        I wanted to put the {product} together / [some screws|two legs|a few parts] are missing
        there are parts missing from my {product}
        the box of the {product} was not complete / I miss [a cable|the lid|several pieces]
        I opened the {product} today / not all parts were in the box
    """),
    "double": ("The customer was charged {amount} twice.", "refund explain correct", """
        I was charged {amount} twice
        on my statement I see {amount} two times
        you took {amount} from my card / a day later you took it again
        the same {amount} was booked twice
        I paid {amount} for one {product} / the sum left my account two times
        my bank shows two payments of {amount} to you / there should be one
    """),
    "overcharged": ("The customer's bill for {month} is {amount} and seems too high.", "explain correct call", """
        my bill for {month} is {amount} / that is far too much
        in {month} you want {amount} from me / I never pay that much
        I got the bill for {month} and it says {amount} / this seems too high to me
        the {month} bill of {amount} cannot be right, it is too high
        {amount} for {month}? / usually it is half of that
    """),
    "login": ("The customer has not been able to log in since {day}.", "help call", """
        I cannot log in since {day}
        since {day} I do not get into my account
        my account has not let me in since {day}
        each time I try to log in, it fails / it started on {day}
        the login page throws me out / this has been so since {day}
        it says my password is wrong since {day}, so I cannot log in
    """),
    "stopped": ("The customer's {product} stopped working after {duration}.", "repair replacement refund", """
        my {product} stopped working after {duration}
        the {product} worked for {duration} / then it was dead
        after {duration} my {product} [gave up|died|does not turn on]
        I used my {product} for {duration} / now it does nothing
        {duration} and the {product} is broken
        for {duration} I was happy with the {product} / now it does not start any more
    """),
    "return-unpaid": ("The customer returned a {product} on {date} and has not been paid back.", "refund explain call", """
        I sent the {product} back on {date} / I have not got my money
        I returned my {product} on {date} / nothing has been paid back
        on {date} I gave the {product} back / still no money
        you got the {product} back on {date} / my account shows no payment from you
        the {product} went back to you on {date} and I have not seen the money
    """),
    "appointment": ("The customer cannot come to the appointment on {date}.", "move call", """
        I cannot come on {date} / I have an appointment then
        my appointment is on {date} / I am not able to make it
        something came up and I cannot come to my appointment on {date}
        I have to miss the appointment on {date}
        on {date} I should see you / it will not work out
        I am ill and cannot keep the appointment on {date}
    """),
    "address": ("The customer moved to {city} and order {order} has the old address.", "correct call", """
        I moved to {city} / order {order} still has my old address
        my order {order} goes to the wrong place / I live in {city} now
        we live in {city} now / the old address is on order {order}
        order {order} shows the address of my old flat / I have moved to {city}
        since I moved to {city}, the address on order {order} is out of date
    """),
    "internet": ("The customer in {city} has had no internet since {day}.", "help call repair", """
        our internet in {city} has been down since {day}
        since {day} I have no internet / I live in {city}
        I am in {city} and the line is dead / that is so since {day}
        no internet here in {city} since {day}
        the router only blinks red since {day} / there is no internet / I live in {city}
    """),
    "heating": ("The customer's heating in {city} failed on {date}.", "repair call", """
        my heating stopped on {date} / I live in {city}
        it has been cold in our house in {city} / the heating failed on {date}
        on {date} the heating broke down here in {city}
        we have no heating in our flat in {city} / it went off on {date}
        the radiators in {city} are cold / that began on {date}
    """),
    "booking": ("The customer's hotel room in {city} for {date} was not booked.", "refund explain apology", """
        I booked a room in {city} for {date} / at the hotel they did not know my name
        for {date} I had a hotel room in {city} / there was no booking when we came
        the hotel in {city} had no room for us on {date} / I had booked with you
        we stood in {city} on {date} and the hotel had no booking of ours
        our room in {city} on {date} did not exist / I paid you for it
    """),
    "rude": ("An employee called {name} was rude to the customer on {date}.", "apology call", """
        {name} from your team was rude to me on {date}
        I called on {date} and spoke to {name} / she was very rude
        on {date} your colleague {name} shouted at me
        I was in your shop on {date} / {name} was rude to me
        the way {name} talked to me on {date} was rude
    """),
    "subscription": ("The customer cancelled the {plan} plan in {month} and is still being charged.", "refund correct explain", """
        I cancelled my {plan} plan in {month} / you still take money
        in {month} I ended the {plan} plan / you go on charging me
        you charge me for the {plan} plan / I cancelled it in {month}
        my {plan} plan was over in {month}, I cancelled it / money still leaves my account
        the {plan} plan should have ended in {month} because I cancelled / I still pay
    """),
    "delivered": ("Order {order} is marked as delivered, but the customer did not get it.", "help explain refund", """
        order {order} is marked as delivered / I did not get it
        your site says that {order} was delivered / nothing is here
        the app shows {order} as delivered / I was home and nobody came
        according to you, order {order} was delivered / I have no parcel
        I read that {order} was handed over / it was not given to me
    """),
    "size": ("The customer's {product} is too small.", "exchange-size refund", """
        the {product} is too small
        I tried the {product} on / it is too small for me
        my {product} came / sadly it is too small
        I should have taken a bigger {product} / this one is too small
        the {product} does not fit, it is too small
    """),
    "voucher": ("The customer's voucher for {amount} is not accepted.", "help correct explain", """
        my voucher for {amount} is not accepted
        I have a voucher of {amount} / it does not work
        when I type in the code of my {amount} voucher, there is an error
        the page does not take my voucher / it is worth {amount}
        I got a voucher of {amount} as a gift / you do not accept it
    """),
    "leak": ("The customer's {product} leaks after {duration} of use.", "repair replacement refund", """
        my {product} leaks / I have used it for {duration}
        after {duration} of use the {product} leaks
        water comes out of my {product} / I have had it for {duration}
        I have used the {product} for {duration} / now there is water below it
        there is a puddle under the {product} after only {duration}
    """),
    "noise": ("The customer's {product} has been making a loud noise since {day}.", "repair replacement help", """
        my {product} makes a loud noise since {day}
        since {day} the {product} is terribly loud
        the {product} has been [rattling|humming|screeching] loudly since {day}
        there is a loud noise from my {product} / it began on {day}
        it started on {day} / my {product} is so loud that we cannot sleep
    """),
    "crash": ("The customer's app has crashed since the update on {date}.", "help correct call", """
        your app crashes / it began with the update on {date}
        since the update on {date} the app crashes
        I updated the app on {date} / now it crashes all the time
        the app closes by itself after the update of {date}
        on {date} I installed the update / the app has not stayed open since
    """),
    "cold-food": ("The customer's food from the restaurant in {city} arrived cold.", "refund apology", """
        I ordered from your restaurant in {city} / the food was cold
        our dinner from your place in {city} came cold
        the food that you brought us in {city} was cold
        we live in {city} and ordered dinner / everything was cold when it came
        cold food again from your kitchen in {city}
    """),
    "lost-card": ("The customer lost their card in {city} on {date}.", "block help", """
        I lost my card in {city} on {date}
        on {date} my card was [stolen|lost] in {city}
        my card is gone / I must have lost it in {city} on {date}
        I was in {city} on {date} / since then my card is missing
        somewhere in {city} I lost my card / it was on {date}
    """),
    "invoice": ("The customer never got an invoice for order {order}.", "invoice", """
        there was no invoice with order {order}
        I never got an invoice for {order}
        you did not send an invoice for my order {order}
        my order {order} came / the invoice was not with it
        I looked everywhere for the invoice of order {order} / I never got one
    """),
    "transfer": ("The customer sent {amount} to {name}, but it has not arrived.", "explain help correct", """
        I sent {amount} to {name} / it did not arrive
        {name} has not got the {amount} that I sent
        the {amount} for {name} left my account / it has not reached the other side
        I paid {amount} to {name} / nothing has come there
        my transfer of {amount} to {name} has not arrived
    """),
    "course": ("The customer could not join the online course on {date}.", "refund help move", """
        I could not join the online course on {date}
        the online course on {date} did not let me in
        on {date} I tried to join the course / the link did not work
        my link to the course on {date} was dead, so I missed it
        I had paid for the online course on {date} / I could not get in
    """),
    "driver": ("The driver left the customer's {product} in the rain on {date}.", "replacement apology refund", """
        your driver left my {product} in the rain on {date}
        on {date} my {product} was put down outside in the rain
        I found my {product} wet in the garden on {date} / your driver had left it in the rain
        the driver did not ring on {date} / he left the {product} in the rain
        it rained on {date} and your driver left the {product} by the gate
    """),
    "name": ("The customer's name is spelled wrongly; it should be {name}.", "correct", """
        you spell my name wrong / it is {name}
        my name is {name} / your letters have it wrong
        there is a mistake in my name / the right one is {name}
        on my card you have misspelled my name / I am {name}
        please look at how you write my name / it should be {name}
    """),
    "quality": ("The customer's {product} lost its colour after one wash.", "refund replacement", """
        I washed the {product} once / all the colour is gone
        after one wash my {product} has lost its colour
        the {product} went into the wash once / now it is pale
        one wash and the {product} has no colour any more
        the colour of the {product} came off in the first wash
    """),
}

_HELDOUT: dict[str, tuple[str, str, str]] = {
    "broken-2": ("The customer's {product} arrived broken on {date}.", "replacement refund repair", """
        a box was brought to me on {date} / inside lay my {product}, broken in two
        what a sight on {date}, my new {product} reached me with a crack from top to bottom
        the courier handed me a {product} on {date} that somebody must have dropped, it is broken
    """),
    "late-2": ("The customer's order {order} for a {product} has not arrived.", "when cancel", """
        nobody has brought the {product} of order {order} so far
        I keep waiting at the door for {order} / it holds a {product}
        {order} was the number I got for my {product} / my hands are still empty
    """),
    "wrong-2": ("The customer ordered a {product} but received a {product2}.", "replacement refund", """
        instead of the {product} that I chose, a {product2} fell out of the carton
        it was a {product} that I put in the basket / you delivered a {product2}
        my {product} has turned into a {product2} on its way to me
    """),
    "double-2": ("The customer was charged {amount} twice.", "refund explain", """
        my card was debited with {amount}, and then once more with the same sum
        one purchase, two bookings of {amount}
        {amount} has gone out of my account a second time for the same thing
    """),
    "stopped-2": ("The customer's {product} stopped working after {duration}.", "repair replacement", """
        it took {duration} until my {product} went silent for good
        no sign of life from the {product}, which I have had for {duration}
        I had {duration} of joy with the {product}, now it refuses to run
    """),
    "login-2": ("The customer has not been able to log in since {day}.", "help call", """
        whatever I type, the door to my account stays shut, and that since {day}
        signing in has been impossible for me since {day}
        {day} was the last time that I got into my account
    """),
    "return-unpaid-2": ("The customer returned a {product} on {date} and has not been paid back.", "refund explain", """
        the {product} travelled back to you on {date}, but the payment for it is still missing
        on {date} I posted the {product} that I did not like / not a cent has come
        I handed in a {product} at your counter on {date} and am waiting for the sum ever since
    """),
    "appointment-2": ("The customer cannot come to the appointment on {date}.", "move call", """
        we have a date with each other on {date} / I shall be away
        the slot that you gave me on {date} is impossible for me after all
        sadly I must say no to my appointment of {date}
    """),
    "address-2": ("The customer moved to {city} and order {order} has the old address.", "correct", """
        my new home is in {city}, yet {order} is on its way to the place I left
        I have left for {city} / order {order} carries the street where I used to live
        {order} is heading for my former flat, whereas I am in {city} these days
    """),
    "delivered-2": ("Order {order} is marked as delivered, but the customer did not get it.", "help explain", """
        supposedly {order} is with me, I have looked and it is not
        the status of {order} reads delivered / my porch is empty
        somebody ticked off {order} as delivered although I never held it
    """),
}

EXTRA_WISHES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "exchange-size": ("They want a bigger size.", lines("""
        please send me a bigger size
        can I have it one size up?
        I would like to swap it for a bigger one
        do you have it in a larger size for me?
    """), ()),
    "block": ("They want the card blocked.", lines("""
        please block it
        can you block the card?
        make sure that nobody can use it
        I want it to be blocked at once
    """), ()),
    "invoice": ("They want the invoice sent.", lines("""
        please send me the invoice
        can you mail it to me?
        I need it for my taxes, please send it
        could I get it as a PDF?
    """), ()),
}

TRAIN = {k: (s, tuple(w.split()), lines(t)) for k, (s, w, t) in _TRAIN.items()}
HELDOUT = {k: (s, tuple(w.split()), lines(t)) for k, (s, w, t) in _HELDOUT.items()}
ALL_WISHES = WISHES | EXTRA_WISHES
