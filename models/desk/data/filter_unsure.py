"""Messages that a person should look at: sarcasm, half sentences, offers that are half questions, borderline tone."""

from .grammar import lines

TRAIN = {
    "sarcasm": lines("""
        oh great, another {product} in [three|seven] parts, exactly what I always wanted
        wow, you really outdid yourselves this time
        congratulations on losing my {product} again, a true work of art
        sure, take your time, it is not as if I needed the {product} this year
        I just love waiting for {duration}, please do it again
        brilliant, simply brilliant, give {name} a medal
        thank you so much for nothing
        what a surprise, no answer. I am shocked
        five stars for making me laugh with your delivery date
        oh please, do send me one more mail that says nothing
        so clever of you to send a {product2}, how did you guess
        lovely, the hotline plays my favourite song for an hour
    """),
    "unclear": lines("""
        it is about the thing from before, you know what I mean
        can you do it like last time but the other way round?
        that one, not the other, as we said
        what {name} said is not what I meant, or maybe it is
        I have a question but I am not sure how to put it
        the blue one from the page with the picture
        it happened again
        same as my cousin, please
        I think it was you, or the other firm
        something is not right with the thing
        maybe yes, maybe no, what do you think?
        please change it
    """),
    "half-offer": lines("""
        do you also need somebody for your website? By the way, when is the {product} back?
        I sell {product}s too, would you be interested, or can I return mine?
        my firm could write your texts, but first: where is order {order}?
        I make videos about {product}s, could I get one for free?
        we could put your name in our local paper, and how much is the {product}?
        I have a nice idea for your shop, could we talk about it?
        would you like to sponsor our club in {city}?
        I have {n} used {product}s, do you buy such things?
        my nephew repairs {product}s cheaply, shall he come by?
        we are looking for partners, are you open for something new?
        I run a channel with {n}000 viewers, what would you give me if I show your {product}?
    """),
    "borderline": lines("""
        are you [slow|asleep] over there or what?
        I wonder if anybody with a brain works at your place
        even my dog would have packed the {product} better
        is {name} new, or always like that?
        do you people ever think?
        I would call you names but I was raised well
        seriously, who hired {name}?
        you make it very hard to stay polite
        I have known snails that are faster than you lot
        a child of {n} could do your job
        nice try, genius
        do they pay you for doing nothing?
    """),
    "cut-off": lines("""
        hello, I ordered a {product} and when I opened the
        my order {order} was supposed to come on {day} but
        I wanted to ask whether you could please
        the problem with the {product} is that it
        yesterday I called {name} and she told me that the
        if I do not hear from you by
        can you please send it to
        I have already paid {amount} and now you
        please do not forget that on {date} we
        the reason why I write is
        and then the {product} just
    """),
    "vague-warning": lines("""
        you will hear from me
        I know people who would be interested in how you do things
        this is not over
        somebody should do something about your shop in {city}
        let us see how long you stay in business
        I will remember your name, {name}
        what goes around comes around
        I have kept all your mails, just so you know
        you do not want me to come by in person
        one day you will be sorry for the {product}
        karma will find you
    """),
    "on-behalf": lines("""
        my friend asked me to find out how much he still owes you, can you say?
        I write for my [father|aunt], she gave me her number {order}, what does it say?
        my flatmate is away, can you tell me whether her {product} has been sent?
        I am helping {name} with the account, what do you need from me?
        my grandmother cannot write, can you tell me what is in her contract?
        my boss told me to ask which address you have for {name}
        I found a parcel with the name {name} on it, whose is it?
        I am the son of {name} and would like to know if she paid
        the club lost the login, I am the treasurer, how do I get in?
        I bought a used {product}, can you tell me who had it before me?
    """),
    "joke": lines("""
        knock knock, who is there? not my {product}
        will you marry me if my {product} comes today?
        I would give my left arm for an answer, or maybe the right one
        my {product} is haunted, do you sell ghosts as well?
        if I sing a song, do I get the {product} for free?
        does the {product} come with a butler?
        is this the line for complaints or for pizza?
        my cat bought a {product}, she would like to talk to your cat
        beam me up, I lost my order
        I hereby challenge your boss to a duel with {product}s
    """),
    "mixed": lines("""
        I am happy with the {product} but also not, do with this what you want
        love your shop, hate your shop, who knows
        perhaps I should get money back or pay more, I lost track
        take it as a complaint or as praise, as you like
        my first mail was wrong and this one may be too
        please cancel, or rather do not, or ask me next week
        forget my last message, unless you have done it already
        I want everything or nothing
        half of what I wrote to {name} was meant in earnest
        read between the lines, please
    """),
}

HELDOUT = {
    "irony": lines("""
        bravo, {duration} for one {product}, you must be so proud
        how thoughtful to deliver my {product} to a stranger
        my compliments to the genius who designed your form
        no no, do not hurry on my account, I enjoy living without a {product}
        I bow before such speed, only {duration} for a mail of one line
    """),
    "riddle": lines("""
        regarding the matter, please proceed as discussed, or do not
        the one with the handle, or was it without?
        he said she said, now what?
        about {order}: hm
        we talked, you promised, I forgot what
        make it so that it is like it should be
        I am writing to let you know that since {day} the
    """),
    "nudge": lines("""
        surely there is a way that a loyal fan like me gets a {product} for nothing?
        we could help each other out, you and I, think about it
        in case you want to be in our magazine, tell me, and also your opening hours
        my patience is not endless, if you understand me
        somebody in your team must have been sleeping, no offence
        a colleague of mine would like to know what {name} spent with you
    """),
}
