"""What is beyond a support-desk model, in words that training never sees."""

BLOCKS: dict[str, tuple[int, str]] = {
    "sharing": (3, """
        {n}{n2} sweets are shared by {n3} kids, what does each of them get?
        our bus has {n}0 seats and {n2} are free, so how many people sit in it?
        {name} walks {n} miles on each of {n2} days; give me the total
        what would {n} tickets at {amount} come to?
        a rope of {n}{n2} metres is cut into pieces of {n3}, count them
    """),
    "percent": (3, """
        work out {n}{n2} percent off {amount}
        if I put {amount} away at {n} percent, what is there after {n2} years?
        by how much did it grow from {n}{n2} to {n3}{n}0?
        round {n}.{n2}{n3} for me
    """),
    "interpreter": (3, """
        I am in {country} and need the local word for [spoon|ticket]
        be my interpreter for [Finnish|Thai]
        turn the following into [Latin|Hebrew]: the sun is up
        in what tongue is "[obrigado|takk|kiitos]"?
    """),
    "verse": (3, """
        I would enjoy a few rhyming lines on [snow|my garden|old age]
        put together a ballad about {name} of {city}
        could you come up with a lullaby?
        pen an ode to my {product}
    """),
    "debugging": (3, """
        my loop never ends, while True, what is wrong?
        segmentation fault, any hint?
        show me how a class looks in [Kotlin|Swift]
        turn this JSON into a CSV with awk
        which data structure is right for a queue of {n}0000 items?
    """),
    "quiz": (0, """
        name the inventor of the [steam engine|printing press]
        do you happen to know who reigns in {country}?
        which metal melts first, lead or iron?
        at what temperature does water boil on a mountain?
        what sea does one cross from {country} to {country2}?
        is a whale a fish?
    """),
    "past": (0, """
        what led to the fall of the [Ottoman|Inca] empire?
        describe daily life in {city} in the year 1{n}00
        who came after [Henry the Eighth|Julius Caesar]?
        how come the Titanic sank?
    """),
    "sky": (0, """
        shall I take a coat on {day}?
        any chance of sun in {city} over the weekend?
        how strong will the wind blow near {city}?
        will the roads be icy tonight?
    """),
    "symptom": (2, """
        there is a lump behind my ear, ought I to worry?
        I mixed up my pills this morning, is that bad?
        a red ring around a bite, what might that be?
        what would you give a person with a swollen ankle?
        my heart races at night
    """),
    "court": (2, """
        may the police search my flat without a paper?
        I was fired while ill, can they do that?
        how high a fence may my neighbour build?
        am I liable when a guest falls on my steps?
        what do I put into a lease?
    """),
    "portfolio": (2, """
        put my savings into funds or leave them in the bank?
        will house prices in {city} drop?
        tell me how to pay less tax
        is {company} a good share to hold?
    """),
    "persona": (1, """
        from now on your name is [Captain Blue|Luna] and you live on Mars
        speak to me in the voice of an old sailor
        we are on a stage: you enter left as the ghost
        write back as if you were my late grandfather
    """),
    "kitchen": (0, """
        my sauce is too salty, any rescue?
        what can stand in for eggs in a cake?
        dinner for two without meat, what do you suggest?
        at how many degrees do I roast {n} chicken legs?
    """),
    "getaway": (0, """
        put together a weekend in {city} for a family
        is it far to walk from the harbour of {city} to the old town?
        what is a must when I am in {country}?
        train or plane to {city}, which is quicker?
    """),
    "feelings": (2, """
        {name} left me, and I do not know how to go on
        everybody at work ignores me, any advice?
        I panic in lifts
        how does one make friends in a new town?
    """),
    "rambling": (1, """
        so the moon said to the spoon that {day} is a door
        [mimsy borogove|frabjous tulgey] {n}
        potato potato potato
        ;;; {n}{n2} ### @@
        green is louder than {city}
    """),
    "composition": (3, """
        I have to hand in two pages on [ethics|steam power] by {day}
        set up a speech that moves people to plant trees
        write up the arguments for and against [tourism|cash]
        compose a review of a restaurant that I have never been to
    """),
    "gadget": (0, """
        dim the lamps in the hall
        ring {name} up
        put on something by [Bach|Queen]
        wake me at {time}
        jot down that I need [soap|stamps]
    """),
}
