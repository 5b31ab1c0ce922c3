"""Small talk, material that is missing, and messages without a task: what people type, and the fixed answers."""

from .grammar import lines

TASKS = "classify, extract, answer, summarise or filter"

# kind: (answer, templates of training, templates held out)
SMALL: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "hello": ("Hello! Give me a support message and a task, and I will help.", lines("""
        hi
        hello
        hey
        hey there
        hi there
        hello there
        hello, is anybody there?
        hi, anyone here?
        hello [desk|bot|assistant|model]
        hey [you|buddy|friend]
        good day
        hi, [my name is|I am] {name}
        hello hello
        howdy
        greetings
        yo
        hi {name}
        hiya
        hello again
        nice to meet you
    """), lines("""
        hallo, {name} speaking
        well hello
        hey hey
        a very good day to you
        hi, me again
        ahoy
    """)),
    "morning": ("Good morning! Which message shall I look at?", lines("""
        good morning
        morning
        good morning [everyone|team|to you]
        morning, [ready to work|all awake]?
        gm
        a good morning from {city}
    """), lines("""
        top of the morning
        good morning, sunshine
    """)),
    "evening": ("Good evening! Which message shall I look at?", lines("""
        good evening
        evening
        good evening [everyone|team|to you]
        evening, still up?
        good evening from {city}
    """), lines("""
        a pleasant evening to you
        good evening, dear desk
    """)),
    "how": ("I am fine, thank you. Which message shall I look at?", lines("""
        how are you?
        how are you [today|doing|feeling]?
        how is it going?
        how do you do?
        what's up?
        are you [well|ok|all right]?
        you good?
        how was your [day|weekend|night]?
        how have you been?
        hi, how are you?
        hello, how are things?
        everything fine with you?
        hru
    """), lines("""
        is life treating you well?
        how goes it, little model?
        how's everything on your side?
        feeling good this {day}?
    """)),
    "who": ("I am a small support-desk model that runs on your own device.", lines("""
        who are you?
        what are you?
        what is your name?
        tell me about yourself
        are you [human|a robot|a person|an AI|a chatbot|real]?
        am I talking to a [human|person|machine|computer]?
        which model are you?
        are you [ChatGPT|a large language model|GPT]?
        do you have a name?
        introduce yourself
        what kind of [model|bot|assistant] are you?
        what should I call you?
        who am I talking to?
        where do you run?
        are you [online|on my computer|in the cloud|local]?
    """), lines("""
        is there a human behind this?
        say a few words about who you are
        do I chat with software here?
        what's this thing I am typing into?
        and you are?
    """)),
    "can": (f"I can {TASKS} support messages. Write the task first, then the message.", lines("""
        what can you do?
        how can you help me?
        what are you good at?
        help
        help me
        what do you do?
        which tasks do you know?
        what are your [skills|abilities|features]?
        show me what you can do
        how does this work?
        how do I use you?
        what can I ask you?
        can you help me?
        I need help
        what is this [page|demo|thing] for?
        give me an example of what you do
        list your [commands|functions]
        instructions please
        where do I start?
    """), lines("""
        what might I use you for?
        for which jobs were you made?
        explain how to work with you
        what would you be able to do for me?
        any tricks up your sleeve?
    """)),
    "thanks": ("You are welcome!", lines("""
        thanks
        thank you
        thank you [so much|very much|a lot]
        thx
        many thanks
        cheers
        thanks, that [helped|is what I needed|was quick]
        perfect, thank you
        great, thanks
        ok thanks
        ty
        thanks a million
        much appreciated
        thank you for your [help|time|answer]
        that was helpful, thanks
    """), lines("""
        I owe you one
        I am grateful for that
        ta very much
        bless you, that is just right
        thank you kindly, little helper
    """)),
    "bye": ("Goodbye, and have a nice day!", lines("""
        bye
        goodbye
        bye bye
        see you
        see you [later|soon|tomorrow]
        good night
        have a nice [day|evening|weekend]
        that is all, bye
        I have to go
        take care
        until next time
        ok, bye for now
        cya
        talk to you later
        I am done for today
        nothing else, goodbye
    """), lines("""
        farewell
        I shall be off then
        so long, and take it easy
        time for me to leave
    """)),
    "compliment": ("Thank you, that is kind of you.", lines("""
        you are [great|awesome|clever|nice|cool|helpful|fast]
        well done
        good [bot|job|work|answer]
        I like you
        you are the best
        nice work
        wow, that was [quick|good|fast]
        impressive
        amazing
        you did that very well
        I love this
        that is [great|wonderful|brilliant]
        what a smart little thing you are
        lovely answer
    """), lines("""
        you rock
        hats off to you
        not bad for such a tiny model
        I am quite taken with you
    """)),
    "sorry": ("No problem at all.", lines("""
        sorry
        I am sorry
        my apologies
        sorry, wrong [window|message|button]
        oops
        oops, sorry
        sorry about that
        I did not mean that
        excuse me
        pardon
        sorry for the [typo|trouble|mess]
        my bad
        sorry, I was [rude|unfriendly] just now
        forgive me
    """), lines("""
        I beg your pardon
        that was my mistake, sorry
        whoops, ignore that
        I take that back, apologies
    """)),
    "ok": ("All right. Send me a message and a task when you like.", lines("""
        ok
        okay
        fine
        yes
        no
        sure
        alright
        I see
        got it
        hm
        maybe
        never mind
        nothing
        test
        testing
        just [testing|trying|looking]
        let us go
        ...
        ?
        cool
        yep
        nope
    """), lines("""
        understood
        uh huh
        one two three, test
        all clear
        as you wish
    """)),
    "bad": ("I am sorry. I am a small model and make mistakes; please try it in other words.", lines("""
        that is [wrong|not right|not correct|nonsense]
        you are [wrong|stupid|useless|not very smart|dumb]
        bad [bot|answer]
        no, that is not what I [asked|meant|wanted]
        you made a mistake
        I do not believe you
        this does not help
        try again
        are you sure?
        that makes no sense
        you did not understand me
        what a bad answer
        you missed [the point|something]
        I am not happy with this
    """), lines("""
        wide of the mark, I fear
        you got it all mixed up
        what rubbish is that?
        hmm, not quite what I had in mind
    """)),
}

# An ask without the text to work on.
MISSING: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "extract": ("Please give me the message too, and I will extract it.", lines("""
        extract the [order number|name|date|city|address|phone number]
        extract the [order number|name] and the [date|city]
        can you extract the {n} fields?
        please get me the [name|e-mail|amount] from the message
        find the [order number|customer's name|date] for me
        pull out the [phone number|address]
        what is the order number?
        which city is named in the message?
        give me the name and the date as JSON
        extract: order number, name
        extract
        take the [amount|date] out of this mail
        I need the tracking number from the text
    """), lines("""
        would you fish out the customer number?
        the name and street from that letter, please
        get all dates out of it
        could the invoice number be read off for me?
    """)),
    "classify": ("Please give me the labels and the message, and I will classify it.", lines("""
        classify this
        classify
        classify the message
        can you classify a message for me?
        which label fits?
        choose a label
        what category is this?
        sort this message
        classify this ticket [please|for me]
        put this into a category
        I want you to classify my mails
        classify: complaint, question, praise
        label it
        is it a complaint or a question?
    """), lines("""
        into which drawer does this go?
        tell me the right label for it
        pick the fitting category, please
        would you sort my ticket?
    """)),
    "summarise": ("Please give me the message too, and I will summarise it.", lines("""
        summarise
        summarise this
        summarize
        summarise the message
        can you summarise a mail for me?
        make it shorter
        give me a summary
        tl;dr
        what does the customer want?
        summarise this ticket in one sentence
        write a short summary
        sum this up [please|for me]
        shorten this text
        I need the gist of it
    """), lines("""
        boil it down to one line
        what is it about, in brief?
        condense the letter for me
        could you put it in a nutshell?
    """)),
    "answer": ("Please give me the passage too, and I will look for the answer in it.", lines("""
        answer my question from the passage
        answer
        answer this
        what does the text say about [returns|prices|opening hours]?
        can you answer from a text?
        read the passage and tell me the answer
        look it up in the manual
        according to the passage, how long is the warranty?
        what does the page say?
        find the answer in the document
        does the text mention [refunds|shipping|fees]?
    """), lines("""
        see what the leaflet has to say on [delivery|costs]
        I would like an answer out of our handbook
        what do the terms state about it?
    """)),
    "filter": ("Please give me the message too, and I will filter it.", lines("""
        filter
        filter this
        filter the message
        can you filter a message for me?
        is this message ok?
        is it spam?
        check this message
        pass or hold?
        should I let this through?
        does this message break the rules?
        tell me if this mail is abusive
        please check whether this is an advert
    """), lines("""
        may this one go through?
        would you hold it or pass it?
        have a look whether it is fit to be read
    """)),
}

RAW_ANSWER = f"I can {TASKS} this message. Please write the task in front of it."
