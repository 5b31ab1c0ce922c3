"""General label sets: the same question can be asked of any message."""

from dataclasses import dataclass

from .grammar import lines


@dataclass(frozen=True)
class LabelSet:
    """Classes with several namings; `messages[split][i]` belongs to name `i` of every naming."""

    name: str
    names: dict[str, tuple[tuple[str, ...], ...]]
    messages: dict[str, tuple[tuple[str, ...], ...]]
    cut: bool = False
    """Whether a row may offer only some of the classes."""
    lead: bool = True
    """Whether neutral clauses may stand before the judged one."""


def banks(*blocks: str) -> tuple[tuple[str, ...], ...]:
    """One bank of templates per class."""
    return tuple(lines(block) for block in blocks)


PRIORITY = LabelSet(
    "priority",
    {
        "train": (("urgent", "normal", "low"), ("high priority", "medium priority", "low priority"), ("now", "this week", "whenever")),
        "heldout": (("critical", "standard", "minor"), ("high", "medium", "low")),
    },
    {
        "train": banks(
            """
            we cannot work at all since {time}, please act right now
            the water is running into the cellar, come at once
            this must be solved within the hour
            I fly tomorrow morning and still have no ticket
            everything is down and our customers are waiting
            somebody is taking money from my account as I write this
            it is an emergency, call me immediately
            my {product} is smoking, what do I do?
            I am locked out and my talk starts in ten minutes
            the whole office in {city} is without power
            please hurry, my child is stuck in the lift
            the deadline is today at {time} and the upload fails
            """,
            """
            could you change my address by the end of the week?
            my {product} has a scratch, I would like another one
            please send me the bill for {month}
            I would like to return the {product}
            the app has been slow for a few days
            when does my contract end?
            I was charged {amount} too much, please correct it
            can I move my appointment to next week?
            one of the {n} {product}s was missing
            please tell me when order {order} will be sent
            the printer on our floor needs a repair this week
            """,
            """
            no hurry at all, but the colour of the button looks odd
            when you have nothing else to do, please fix the typo on the second page
            just an idea for some day: a dark theme
            it can wait until {month}, I only wanted to mention it
            not important, I was merely curious how old your shop is
            take your time, I only want to know if there will be a blue {product} one day
            a tiny thing, no need to answer soon
            at some point you could add a picture of the {product}
            it does not bother me much, but the page number is wrong
            whenever it suits you, remove me from the newsletter
            """,
        ),
        "heldout": banks(
            """
            the alarm has been ringing since {time}, send somebody straight away
            there is no time to lose, the wedding is in two hours and the dress is not here
            all tills stopped, people are leaving, we need you this minute
            drop everything: our server is on fire
            """,
            """
            would you kindly correct my street within the next days?
            I need a second key for the office by {day}
            the {product} squeaks, it should be looked at
            could my seat be changed? The trip is in {month}
            """,
            """
            if ever you are bored, the logo is a bit crooked
            purely out of interest: who chose the name of your shop?
            next year or so it would be fun to have stickers
            nothing pressing, the footer says last year
            """,
        ),
    },
)

TONE = LabelSet(
    "sentiment",
    {
        "train": (("positive", "negative", "neutral"), ("happy", "unhappy", "neutral"), ("good", "bad", "neither")),
        "heldout": (("satisfied", "dissatisfied", "neutral"), ("pleased", "annoyed", "matter-of-fact")),
    },
    {
        "train": banks(
            """
            I love my new {product}, it is perfect
            {name} was so friendly and solved it in no time
            best shop I know, I will come again
            wow, that was fast, thank you so much
            everything arrived well packed and early
            the new app is a joy to use
            so glad that I chose you
            I am over the moon with the {product}
            what a lovely surprise to find a card in the box
            you have made my day
            our stay in {city} was wonderful
            top quality for the price
            finally a firm that keeps its word
            """,
            """
            I am very disappointed with the {product}
            never again, {duration} of waiting for nothing
            {name} was rude and hung up on me
            the quality is awful and it broke at once
            what a waste of {amount}
            your app is a mess since the update
            I am tired of writing to you about this
            the food was cold and the waiter ignored us
            this is the worst hotline I know
            I regret that I ever signed the contract
            it is a shame how you treat old customers
            the room smelled and nobody cared
            """,
            """
            the {product} came on {date}
            I would like to know the price of the {product}
            my order number is {order}
            please change my address to {city}
            how long is the guarantee on the {product}?
            attached is the form that you asked for
            I paid {amount} on {day}
            which papers do I have to bring on {date}?
            the meeting was moved to {time}
            do you have a shop in {city}?
            we need {n} more licences from {month}
            please book a table for {n} on {day}
            """,
        ),
        "heldout": banks(
            """
            could not ask for a nicer {product}
            a big hug to {name}, she saved our trip
            it makes me smile each time I use it
            ten out of ten, my whole family is thrilled
            """,
            """
            I have rarely seen such poor work
            my patience ran out on {day}, this is hopeless
            the {product} is junk, to be frank
            I feel cheated and let down
            """,
            """
            I am sending you the signed page
            our office is at number {n}, second floor
            is the {product} made of wood or metal?
            the invoice of {month} is over {amount}
            """,
        ),
    },
    lead=False,
)

KIND = LabelSet(
    "kind",
    {
        "train": (
            ("complaint", "question", "praise", "suggestion"),
            ("problem report", "information request", "compliment", "idea"),
            ("something is wrong", "wants to know something", "says something nice", "has a proposal"),
        ),
        "heldout": (("criticism", "enquiry", "thank-you note", "improvement idea"), ("trouble", "asking", "applause", "wish for a feature")),
    },
    {
        "train": banks(
            """
            the {product} broke after {duration}
            nobody has answered my mails since {day}
            you charged me {amount} too much
            my room was dirty and loud
            the waiter forgot half of our dishes
            I got the wrong {product}
            the app throws me out all the time
            the driver left my box in the rain
            I waited an hour at your counter in {city}
            the page for payments does not work
            my bill is wrong for the {n}th time
            your colleague was not polite on the phone
            """,
            """
            how long does shipping to {city} take?
            do you also sell {product}s?
            what does the larger plan cost?
            are you open on {day}?
            can I pay in two parts?
            which size of the {product} fits a child of {n}?
            where do I find my contract number?
            who do I ask about group bookings?
            is breakfast part of the price?
            until when can I hand in the form?
            does the {product} work in {country}?
            how many people can use one account?
            """,
            """
            {name} was a great help, please tell her
            I am so happy with the {product}
            the best service I have had in years
            what a quick delivery, well done
            thank you for staying late to help us
            the new menu is delicious
            you have a wonderful team in {city}
            I tell all my friends about your shop
            the workshop was excellent
            it all went so smoothly, bravo
            the repair was done in an hour, fantastic
            """,
            """
            you could offer the {product} in green
            how about a button to sort by date?
            it would be nice if the shop opened at {time}
            I would love to see a vegan dish on the menu
            maybe add a map to the mail with the address
            please think about a discount for students
            a reminder one day before would help many of us
            why not let us pay with the app?
            my idea: a shelf for books that people can swap
            a bench in front of the shop would be great
            it would be easier if the form kept my address
            """,
        ),
        "heldout": banks(
            """
            half the buttons on the {product} are dead
            I stood in front of a closed door, although the sign said {time}
            the soup had a hair in it
            three mails, zero replies
            """,
            """
            would a {product} go through a door of {n}0 cm?
            at what time do the gates open on {day}?
            may I bring {n} guests?
            what is needed to sign up?
            """,
            """
            my compliments to whoever packed the {product}
            rarely was I treated so kindly as in {city}
            our kids have not stopped talking about the party, you did great
            a round of applause for {name}
            """,
            """
            have you ever considered a night train to {city}?
            if the letters were larger, my father could read them
            an app for the watch, that would be something
            you might put the prices on the first page
            """,
        ),
    },
    cut=True,
)

WANTED = LabelSet(
    "wanted",
    {
        "train": (
            ("refund", "replacement", "repair", "information", "call back"),
            ("wants money back", "wants a new one", "wants it fixed", "wants to know something", "wants to be called"),
        ),
        "heldout": (("reimbursement", "substitute item", "mending", "details", "phone call"),),
    },
    {
        "train": banks(
            """
            just give me my {amount} back
            please return the {amount} to my card
            I do not want another {product}, I want what I paid
            when do I get my money for the broken {product}?
            pay me back the price of the {product}
            I expect the {amount} on my account by {day}
            I want to be paid back for the ticket
            send the money back, I have lost interest in the {product}
            """,
            """
            please send me a new {product} for the broken one
            I would like another {product} that works
            can you swap the faulty {product} for a good one?
            mine is cracked, please post a fresh one
            I need a second {product} in place of the one that was lost
            give me one that is not damaged, please
            could I have a different {product} for this one?
            """,
            """
            can you fix my {product}?
            the motor of the {product} has to be looked at by a workshop
            please mend the zip, I love the jacket
            I would like to have the {product} put right
            could a technician make it work again?
            send somebody to get the heating going again
            I want to keep it, it only needs a new screw from you
            """,
            """
            what are the opening hours in {city}?
            how heavy is the {product}?
            I would like to know what the plan costs
            can you tell me how long the guarantee is?
            which colours does the {product} come in?
            please explain how points are counted
            I need to know when the course starts
            """,
            """
            please ring me on {day} after {time}
            call me, it is easier to explain on the phone
            could {name} phone me back?
            I would rather talk than write, when can you ring?
            give me a ring as soon as you can
            can somebody phone my mother at {time}?
            I missed your call, try again please
            """,
        ),
        "heldout": banks(
            """
            I would like to see the {amount} again, nothing else
            kindly credit the sum for the {product}
            the cash I spent should come home to me
            """,
            """
            bring me the same {product}, but one in one piece
            this one is a dud, ship me its twin
            I trust you will supply me with an intact {product}
            """,
            """
            might your workshop bring the {product} back to life?
            glue it, sew it, whatever, but make it whole again
            the hinge wants a skilled hand, do you do that?
            """,
            """
            tell me more about the material of the {product}
            on which days is the pool open?
            I wonder how many pages the book has
            """,
            """
            dial my number this evening, please
            a short chat by telephone would settle this
            will you phone, or shall I?
            """,
        ),
    },
    cut=True,
    lead=False,
)

WRITER = LabelSet(
    "writer",
    {
        "train": (("customer", "supplier", "job applicant", "journalist"), ("buyer", "vendor", "candidate", "press")),
        "heldout": (("client", "trade partner", "person looking for work", "reporter"),),
    },
    {
        "train": banks(
            """
            I bought a {product} from you and it is broken
            where is my order {order}?
            I would like to change my plan
            can I return the {product} that I got on {date}?
            my bill for {month} is wrong
            I am very happy with the {product} I bought
            please send the {product} to my new address
            how do I pay for my order?
            """,
            """
            we make {product}s and would like to be listed by you
            our bill for the last delivery to your store has not been paid
            we will bring the {n}0 boxes that you ordered from us on {day}
            the price of the cloth that we sell to you goes up in {month}
            {company} offers you paper at a good price
            our truck with your goods is late, who can unload on {day}?
            as your printer we need the files for your catalogue by {day}
            """,
            """
            I would like to work for you as a {role}
            attached are my CV and a letter
            is the post of {role} still open?
            I have {n} years of experience and am looking for a new position
            when will you decide about my application?
            do you take trainees in {month}?
            I saw your job advert and would like to come to an interview
            """,
            """
            I write for a newspaper in {city} and have some questions for your director
            we plan a report on your factory, may we film there?
            could you comment on the strike for our evening show?
            who can give me a quote for my article?
            our magazine compares {product}s, please send us a test sample
            I work for a radio station and would like an interview with your founder
            we are going to print a story about your company on {day}
            """,
        ),
        "heldout": banks(
            """
            the {product} you sold me hums
            I have shopped with you for years and need a hand with my bill
            my points did not show up after I paid
            """,
            """
            we deliver your eggs each week and would like to talk about the contract
            your purchasing office owes us {amount} for the steel
            may we show your buyers our new range of {product}s?
            """,
            """
            I am a {role} by training, could you use somebody like me?
            you invited me for a talk about the vacancy on {date}
            my school asks me to find a place for an internship
            """,
            """
            for our podcast we would love to speak to your chef
            what does your board say to the reports of our paper?
            I need a photo of your head office for the front page
            """,
        ),
    },
    cut=True,
    lead=False,
)

REPLY = LabelSet(
    "reply",
    {
        "train": (("reply needed", "no reply needed"), ("needs an answer", "for information only"), ("to answer", "to file")),
        "heldout": (("response required", "just for your records"),),
    },
    {
        "train": banks(
            """
            can you tell me when the {product} will come?
            please let me know if {date} suits you
            what do I have to do next?
            I wait for your decision about the {amount}
            do you take the {product} back?
            is {name} in the office on {day}?
            please confirm that you got my form
            which of the two plans is right for us?
            could you send me the receipt?
            why is my bill so high?
            """,
            """
            all solved, you need not write back
            just so that you know: the {product} has arrived
            for your files: I moved to {city} on {date}
            thank you, that was everything
            I sent the parcel back today, only to inform you
            no answer necessary, I found the receipt
            the problem went away by itself
            this is only a note that I paid {amount} today
            please take note that I will come at {time}
            got it, thanks
            """,
        ),
        "heldout": banks(
            """
            I need to hear from you before {day}
            does that work for your side?
            would {time} be fine with {name}?
            shall I send the {product} or bring it?
            """,
            """
            consider it closed from my side
            merely to keep you posted: the {product} is with the neighbour
            done and dusted, over and out
            it is working again, I just thought you would like to hear it
            """,
        ),
    },
    lead=False,
)

SPAM = LabelSet(
    "spam",
    {
        "train": (("spam", "not spam"), ("advertising", "real message"), ("junk", "genuine")),
        "heldout": (("unwanted advert", "ordinary mail"),),
    },
    {
        "train": banks(
            """
            earn {amount} a day from your sofa
            buy cheap {product}s at {domain}, only today
            we bring your site to the top of every search
            you are the winner of a {product}, click to claim
            lose {n} kilos in {duration} without sport
            {n}000 followers for {amount}
            hot offer, {n}0 percent off all watches
            double your money in {duration}, ask me how
            our loan needs no papers, reply today
            visit {domain} for the best casino
            """,
            """
            my {product} has not come yet
            can I change my booking to {day}?
            please send me the bill for {month}
            the app does not start on my phone
            I would like to end my contract
            do you have the {product} in red?
            I was charged twice
            thank you for your help with the {product}
            where do I pick up order {order}?
            my code for the login does not arrive
            """,
        ),
        "heldout": banks(
            """
            secret trick of {city} makes people rich, read on
            last chance!!! free trial of our miracle cream
            dear friend, I have a business offer of {amount} million for you
            grow your list with our tool, book a demo at {domain}
            """,
            """
            somebody from you promised to ring about my {product}
            one page of my statement is missing
            may I bring the {product} by on {day}?
            there is a mistake in my surname
            """,
        ),
    },
)

SETS = (PRIORITY, TONE, KIND, WANTED, WRITER, REPLY, SPAM)
