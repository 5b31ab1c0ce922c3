"""Messages that a support desk lets through: ordinary, curt, angry but legitimate, security questions asked honestly."""

from .grammar import lines

TRAIN = {
    "order": lines("""
        where is my {product}? I ordered it {ago}
        I would like to know when order {order} will arrive
        can you [tell|show] me how to change the address of order {order}?
        my {product} came today and I love it, but the [lid|cable|manual] is missing
        do you have the {product} in another colour?
        I received a {product2} and had ordered a {product}
        please send me the receipt for order {order}
        how long does delivery to {city} take?
        the {product} does not fit, I would like to send it back
        is the {product} still available?
        I want to cancel order {order}, it has not been sent yet
    """),
    "account": lines("""
        I cannot log in since {day}, the page says my details are wrong
        how do I change the e-mail address of my account?
        please close my account, I do not need it any more
        I did not get the mail for resetting my password
        my name changed after my wedding, what do you need to update it?
        which [plan|tariff] am I on at the moment?
        can I have two accounts with the same e-mail address?
        the app logs me out every few minutes
        I typed the wrong code too often and now my account is locked
        how do I switch on the second step for signing in?
        can you remove my old phone number from my profile?
    """),
    "money": lines("""
        why was I charged {amount} twice?
        I was promised {amount} back {ago} and nothing came
        when will the {amount} be on my account?
        my bill for {month} is higher than usual, can you explain it?
        can I pay {amount} in two parts?
        the last four digits of my card are 4417, was the payment taken?
        I would like to pay by bank transfer, how does that work?
        do you take cards at your shop in {city}?
        please change the billing address on my bill
        what does the bigger plan cost per month?
        the discount of {amount} is missing on my bill
    """),
    "angry": lines("""
        this is the third time I write and nobody answers. I am really [angry|fed up]
        I am furious. The {product} broke after {duration} and you do nothing
        worst service I have ever had, I waited {duration} for a simple reply
        what a joke. {amount} for a {product} that does not even switch on. I want my money back
        I am done with your company if this is not fixed by {day}
        how can it be so hard to send one {product}? Unbelievable
        your hotline let me wait for an hour and then hung up, that is not acceptable
        if I do not get my {amount} by {date} I will go to the consumer office
        I will write an honest review about how order {order} was handled
        I have never been so disappointed in a shop. Please get this sorted
        stop sending me on a wild goose chase and tell me where my {product} is
        damn it, the {product} stopped working again
        this is ridiculous, I pay {amount} a month and the line is down since {day}
        my lawyer will contact you if you keep ignoring order {order}
    """),
    "curt": lines("""
        order {order}?
        refund please
        {product} broken
        where is it
        need help with my bill
        cancel my order
        wrong size
        call me back about order {order}
        still waiting
        opening hours?
        no reply since {day}
        price for {n} {product}s?
    """),
    "praise": lines("""
        your team was wonderful, {name} solved it in five minutes
        just wanted to say that the {product} is great
        thank you for the quick answer about order {order}
        everything came in time and well packed, I am very happy
        {name} from your shop in {city} was so kind, please tell her
        best {product} I ever had, well done
        all good now, you can close my ticket
        it works again, thanks for your patience with me
        I was angry last week but you made it right, thank you
    """),
    "appointment": lines("""
        can I come on {day} at {time}?
        I need to move my appointment from {day} to {date}
        is there a free slot in {month}?
        do I have to bring anything on {date}?
        I will be ten minutes late today, is that a problem?
        please cancel my booking for {n} people on {day}
        where do I park when I come to your office in {city}?
        could a technician come on {date} in the morning?
        are you open on {day}?
        can I bring my dog along?
    """),
    "security": lines("""
        I got a mail that claims to be from you and asks for my password, is it real?
        somebody else seems to use my account, what should I do?
        I lost my phone, please lock my access until I have a new one
        how do you keep my card details safe?
        I think I clicked on a fake link that used your name, can you check my account?
        please delete all data that you hold about me
        which data about me do you keep?
        a man on the phone said he was from your company and wanted my card number. I said no. Was that you?
        I see a login from {city} that was not me
        what makes a good password for your site?
        a strange text told me to pay {amount} for a parcel, did you send it?
    """),
    "technical": lines("""
        the app crashes when I open the second page
        error {n}04 when I try to save
        my {product} does not connect to the wifi
        the screen stays black after the update on {date}
        how do I reset the {product}?
        there is no sound from the {product} any more
        the download stops at {n}0 percent each time
        your website does not load in my browser
        the {product} gets very hot when I charge it, is that safe?
        the light on the {product} blinks red, what does it mean?
        I updated the app and all my lists are gone
    """),
    "business": lines("""
        we would like to order {n}0 {product}s for our office, is there a price list?
        our company {company} needs an offer for {n} licences
        who is the right person for school orders?
        we had a contract with you until {month}, can it be renewed?
        can you write our tax number on the bill?
        we run a small shop in {city} and would like to sell your {product}s
        could we get a test account for our team?
        please send the data sheet of the {product}
        I write for {company}: the delivery of {date} was short by {n} boxes
    """),
    "personal": lines("""
        my mother is 84 and cannot use the app, can I order for her?
        I am in a wheelchair, is your shop in {city} easy to get into?
        my husband died and I do not know how to end his contract
        I am allergic to nuts, is the {product} safe for me?
        I am a bit confused by all these letters, can somebody explain them to me?
        sorry for my bad English, my {product} not working, please help
        I lost my job and cannot pay {amount} at once, is there a way?
        I do not hear well, can we do this by mail and not by phone?
        my kid pressed buy by mistake, can we undo that?
    """),
}

HELDOUT = {
    "story": lines("""
        so there I was, {product} in hand, and nothing happened when I pressed the button
        we have been buying from you for years, and now our {product} has a crack
        I tried everything that the booklet suggests, yet the {product} will not start
        our neighbours took in the box for {order}, but it was empty inside
        would someone be able to look at ticket {order}? It has been quiet since {date}
        {name} told me to write here about the missing {product}
        I put the wrong postcode into the form, can it still be corrected?
    """),
    "furious": lines("""
        I am at the end of my patience with you people, {duration} without a {product}
        an absolute disgrace, nobody picks up and my {amount} is gone
        what on earth are you doing over there? My {product} was due on {date}
        I have had it, I am taking my business elsewhere unless {order} shows up
        do I have to come to {city} myself to get an answer about my {product}?
        this must be the slowest shop on the planet, and I want my {amount}
        shame on you for letting an old man wait {duration} for a {product}
    """),
    "careful": lines("""
        a letter in your name wants my bank details, before I answer I would like to ask you
        is it true that you never ask for a password on the phone?
        I may have fallen for a fake shop that looks like yours, how can I tell?
        my son saw my code, how do I set a new one?
        please tell me who can see the papers that I upload
        how can I get a copy of everything you have stored about me?
        I do not recognise the device that is listed in my profile
    """),
}
