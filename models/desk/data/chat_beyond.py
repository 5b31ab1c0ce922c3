"""What is beyond a small support-desk model: kinds of asks, each with the fixed sentence that is taught for it."""

from .grammar import lines

LEADS = {
    "train": lines("""
        please
        can you help me:
        I have a question:
        quick question:
        hey,
        ok,
        so,
        now something else:
        just for fun:
        one more thing:
        I wonder:
        for school:
        listen,
    """),
    "heldout": lines("""
        let me ask you something:
        here is a puzzle for you:
        since you are here:
        be so good:
    """),
}

# kind: (number of the fixed sentence in BEYOND, blocks of templates)
_TRAIN: dict[str, tuple[int, str]] = {
    "sum": (3, """
        what is {n}{n2} plus {n3}{n}?
        how much is {n}{n2} times {n3}?
        {n}{n2} + {n3}{n} = ?
        calculate {n}{n2}{n3} minus {n2}{n}
        {n}{n2} x {n3}
        [add|multiply] {n}{n2} and {n3}{n2}
        what is [half|a third|a tenth] of {n}{n2}0?
        what is {n}0 percent of {n2}{n3}0?
        divide {n}{n2}{n3} by {n}
        the square root of {n}{n2}{n3}
        what do you get when you subtract {n} from {n2}{n3}?
        {n}*{n2}-{n3}
    """),
    "word-problem": (3, """
        {name} has {n} [apples|sweets|marbles] and gives {n2} to {name2}. How many does she have left?
        a train drives {n}0 km per hour for {n2} hours. How far does it get?
        if {n} {product}s cost {amount}, what do {n2} cost?
        {name} reads {n} pages a day. How long does she need for a book of {n2}00 pages?
        a box holds {n} eggs. How many boxes do I need for {n2}{n3} eggs?
        {name} is {n} years older than {name2}. Together they are {n2}{n3}. How old is {name}?
        {name} earns {amount} per hour and works {n} hours a day. What does he earn in {n2} days?
        there are {n}{n2} children in a class and {n3} are ill. How many came?
        {name} bakes {n} cakes and cuts each into {n2} pieces. How many pieces are there?
        a pool fills at {n} litres per minute. How long for {n2}00 litres?
        {name} buys {n} pens at {amount} each and pays with {amount2}. How much change does she get?
        half of the {n}0 birds fly away, then {n2} come back. How many are there?
    """),
    "algebra": (3, """
        solve {n}x + {n2} = {n3}{n}
        find x if {n}x = {n2}{n3}
        what is the derivative of x to the power of {n}?
        integrate {n}x squared
        factor x squared minus {n}x plus {n2}
        prove that there are endless prime numbers
        is {n}{n2}{n3} a prime number?
        what is the area of a circle with radius {n}?
        solve the system x + y = {n}, x - y = {n2}
        simplify {n}/{n2} + {n3}/{n}
    """),
    "units": (3, """
        how many [feet|inches|miles] are {n}{n2} metres?
        convert {n}{n2} [pounds|stones|ounces] to kilos
        {n}{n2} degrees Fahrenheit in Celsius
        how many minutes are {n} days?
        what is {n} cups in millilitres?
        turn {n}{n2} kilometres into miles
        how many seconds does a year have?
        how many grams are in {n} tablespoons of flour?
    """),
    "translate": (3, """
        translate "[good morning|I love you|where is the station]" into [French|Spanish|German|Japanese]
        how do you say [thank you|dog|bread|water] in [Italian|Greek|Polish|Chinese]?
        what does [danke|bonjour|gracias|arigato] mean?
        translate this sentence into [Dutch|Turkish|Arabic]
        what is the [Russian|Korean|Portuguese] word for [house|sun|friend]?
        please put this into English: [je ne sais pas|guten Abend|hasta la vista]
        can you translate my letter to [Hindi|Swedish]?
        say [happy birthday|good luck|cheers] in {n} languages
    """),
    "other-language": (1, """
        hola, ¿cómo estás?
        ¿dónde está mi paquete?
        bonjour, comment ça va?
        je voudrais savoir l'heure
        wie geht es dir heute?
        kannst du mir bitte helfen?
        ciao, come stai?
        quanto costa questo?
        olá, tudo bem?
        hoe gaat het met je?
        gdzie jest moja paczka?
        merhaba, nasılsın?
        hej, hur mår du?
        parlez-vous français?
        habla usted español?
    """),
    "poem": (3, """
        write a poem about [the sea|autumn|my cat|love|rain|the moon]
        can you write me a [haiku|sonnet|limerick] about [spring|coffee|a {product}]?
        make a rhyme with [tree|cat|blue]
        compose a song about {city}
        a short verse for {name}'s birthday, please
        write a love poem for {name}
        I need four lines that rhyme for a [card|wedding]
        give me a poem in the style of Shakespeare
        rap about your {product}
        write lyrics for a [happy|sad] song
    """),
    "story": (3, """
        tell me a story about [a dragon|a brave mouse|two friends|a lost ship]
        write a fairy tale with a [king|frog|witch]
        once upon a time, go on
        make up a bedtime story for {name}
        write a [horror|crime|love] story that plays in {city}
        continue the tale: the door opened and
        I want a short story about a {product} that comes to life
        invent a legend of the [mountain|river]
        write the first chapter of a novel about {name}
        tell me something scary
    """),
    "joke": (1, """
        tell me a joke
        make me laugh
        do you know a [good|funny|dirty|dad] joke?
        a joke about [dogs|teachers|doctors|programmers], please
        why did the chicken cross the road?
        say something funny
        knock knock
        give me a pun about a {product}
        what is your best joke?
        I want a riddle
        tell me a funny story about {city}
    """),
    "essay": (3, """
        write an essay about [freedom|climate change|the French Revolution|friendship]
        I need {n}00 words on [democracy|social media|school uniforms]
        write a long article about [tea|trains|volcanoes]
        can you do my homework on [photosynthesis|World War Two|poetry]?
        write a speech for [my wedding|a funeral|the school party]
        draft a blog post about {city}
        a report of {n} pages on [bees|robots|oil], please
        write the introduction of my thesis about [trade|genes]
        discuss the pros and cons of [nuclear power|homework|zoos]
    """),
    "code": (3, """
        write a [Python|JavaScript|C] program that [sorts a list|adds two numbers|prints the date]
        how do I reverse a string in [Java|Rust|Go]?
        fix this code: for i in range({n}) print(i)
        what does this function do: def f(x): return x * {n}
        write an SQL query that counts all rows
        give me the HTML for a red button
        explain recursion with an example
        write a regular expression for [dates|e-mails|numbers]
        why do I get a null pointer error in my code?
        how do I install [numpy|docker|git]?
        code a snake game
        write a bash script that renames files
        what is the difference between a list and a tuple?
    """),
    "capital": (0, """
        what is the capital of {country}?
        which city is the capital of {country}?
        name the capitals of {country} and {country2}
        is {city} the capital of {country}?
        capital of {country}?
        tell me the capital city of {country}
        what's the biggest city in {country}?
    """),
    "geography": (0, """
        how many people live in {country}?
        where is {city}?
        how far is it from {city} to {city2}?
        which countries border {country}?
        what is the longest river [in the world|in {country}]?
        how high is Mount Everest?
        which language do they speak in {country}?
        what is the flag of {country} like?
        which is bigger, {country} or {country2}?
        on which continent is {country}?
        how many islands does {country} have?
        what ocean is the deepest?
    """),
    "history": (0, """
        when did [World War One|World War Two|the Cold War] end?
        who was the first [president of the United States|man on the moon|emperor of Rome]?
        what happened in {n}{n2}{n3} in {country}?
        who built the pyramids?
        when was {city} founded?
        why did Rome fall?
        tell me about the history of {country}
        who discovered America?
        in which year did the Berlin Wall fall?
        what was the Silk Road?
        who was Cleopatra?
        how long did the Middle Ages last?
    """),
    "science": (0, """
        why is the sky blue?
        how far away is the [moon|sun]?
        what is a black hole?
        how does [gravity|electricity|a magnet|an engine] work?
        what is the speed of light?
        how many bones does a human have?
        what is the formula of [water|salt|sugar]?
        why do leaves turn red in autumn?
        how old is the universe?
        what are atoms made of?
        what causes [earthquakes|rainbows|tides]?
        explain quantum physics in simple words
        which planet is the [largest|hottest|smallest]?
    """),
    "animals": (0, """
        how long do [elephants|cats|turtles|parrots] live?
        what do [pandas|koalas|owls|sharks] eat?
        what is the fastest animal?
        how many legs does a [spider|crab|ant] have?
        do [fish|snakes|cows] sleep?
        which bird cannot fly?
        how does a [bat|whale|bee] find its way?
        are [tomatoes|mushrooms] plants?
        what is the biggest animal on earth?
        why do cats purr?
    """),
    "people": (0, """
        who is the president of {country}?
        who wrote [Hamlet|Don Quixote|War and Peace]?
        how old is [the Pope|the Queen|Madonna]?
        who painted the Mona Lisa?
        who invented the [telephone|light bulb|car|{product}]?
        where was [Einstein|Mozart|Picasso] born?
        who is the richest person in the world?
        how tall is [Tom Cruise|the tallest man]?
        is {name} a famous person?
        who is the boss of [Apple|Google|the UN]?
        tell me about [Marie Curie|Gandhi|Napoleon]
    """),
    "sport": (0, """
        who won the [football|match|world cup|game] yesterday?
        what is the score of {city} against {city2}?
        how many players does a [football|basketball|cricket] team have?
        who is the best [tennis player|striker|boxer] of all time?
        when are the next Olympic Games?
        explain the offside rule
        which team will win the league?
        who holds the record in the marathon?
        what are the rules of [chess|golf|rugby]?
    """),
    "films": (0, """
        recommend a [film|series|book|song] for tonight
        who plays the main role in [Titanic|Star Wars|Jaws]?
        what is the plot of [Romeo and Juliet|Moby Dick|The Matrix]?
        which film won the Oscar last year?
        who sings [Yesterday|Thriller|Imagine]?
        how does the series end?
        what should I read next?
        name {n} films about [space|love|war]
        is the new film any good?
        which books did [Tolkien|Agatha Christie] write?
    """),
    "weather": (0, """
        what is the weather like in {city}?
        will it rain [today|tomorrow|on {day}]?
        how warm is it [outside|in {city}]?
        do I need an umbrella today?
        weather forecast for {day}
        is there snow in {city}?
        when does the sun set today?
        how hot does it get in {country} in {month}?
        will there be a storm?
    """),
    "news": (0, """
        what is in the news today?
        what happened in {country} this week?
        who won the election in {country}?
        any news about [the war|the strike|the climate talks]?
        what are the headlines?
        give me the latest on [the royal family|the stock market]
        what is going on in {city}?
        is there a strike of trains on {day}?
        what did the minister say?
    """),
    "time": (0, """
        what time is it?
        what time is it in {city}?
        what is today's date?
        which day of the week is {date}?
        how many days until [Christmas|my birthday|{date}]?
        when is Easter this year?
        is it a holiday in {country} today?
        what year is it?
        how long until {time}?
        set an alarm for {time}
    """),
    "medical": (2, """
        my [head|knee|stomach|chest] hurts, what should I take?
        what can I do against a [cough|fever|rash|migraine]?
        how many painkillers may I take in a day?
        I have had a sore throat for {duration}, is that dangerous?
        which medicine helps with [allergies|high blood pressure|insomnia]?
        is it safe to take [aspirin|ibuprofen] with alcohol?
        what are the symptoms of [diabetes|flu|measles]?
        my child has a temperature of 3{n}, what now?
        can you look at my blood values?
        how do I know if I am pregnant?
        should I get a vaccine?
        I feel dizzy, do I have a stroke?
    """),
    "mental": (2, """
        I feel so [sad|lonely|empty] these days
        I cannot sleep because I worry all the time
        nobody likes me
        I am afraid of [flying|the dark|exams], what helps?
        how do I get over {name}?
        I think I am depressed, what should I do?
        what is the sense of life?
        I had a fight with my [mother|wife|best friend], how do I make up?
        how can I be less stressed?
        should I leave my husband?
    """),
    "legal": (2, """
        can I sue my [landlord|neighbour|boss]?
        is it legal to [record a call|park here|carry a knife]?
        what does the law of {country} say about [inheritance|divorce|noise]?
        my landlord wants to throw me out, what are my rights?
        how do I write a will?
        what is the punishment for [stealing|speeding|fraud]?
        do I need a lawyer for my divorce?
        who gets the house when we split up?
        is this contract valid?
        how do I appeal a fine?
        may my boss read my mails?
    """),
    "finance": (2, """
        should I buy [gold|shares|bitcoin|a house] now?
        which stock will go up?
        how do I invest {amount}?
        how much tax do I pay on {amount}?
        is it a good time to sell my [house|shares]?
        how can I get rich?
        what is the price of bitcoin?
        how much should I save for when I am old?
        can I deduct my {product} from my taxes?
        what will the euro do next month?
        is it better to rent or to buy?
    """),
    "cooking": (0, """
        how do I cook [rice|pasta|an egg|lentils]?
        give me a recipe for [pancakes|lasagne|curry|apple pie]
        what can I make with [eggs and tomatoes|leftover bread|chicken]?
        how long does a [turkey|potato|cake] stay in the oven?
        what goes well with [fish|wine|cheese]?
        can I replace butter with oil?
        a menu for {n} guests, please
        how do I sharpen a knife?
        which wine fits to [duck|pizza]?
        is this mushroom edible?
    """),
    "travel": (0, """
        plan a trip to {country} for {n} days
        what should I see in {city}?
        which is the best time to visit {country}?
        find me a cheap flight to {city}
        how do I get from {city} to {city2}?
        what should I pack for {country}?
        do I need a visa for {country}?
        recommend a hotel in {city}
        where can I eat well in {city}?
        is {country} safe to travel to?
        name {n} beaches in {country}
    """),
    "role-play": (1, """
        pretend to be a [pirate|king|doctor|cat]
        talk like [Yoda|a robot|a cowboy]
        let us play a game, you are the [knight|wizard] and I am the [dragon|thief]
        you are now [Sherlock Holmes|my girlfriend|my teacher]
        act as a travel guide for {city}
        be my [boyfriend|therapist|coach]
        imagine you are a {product}, what do you feel?
        play twenty questions with me
        let us play chess, I start with e4
        answer as if you were a five year old child
        interview me for a job at {company}
    """),
    "opinion": (1, """
        what do you think about [politics|God|the president|love]?
        which is better, [tea or coffee|cats or dogs|Android or iPhone]?
        do you like [music|me|{city}]?
        what is your favourite [colour|food|film|animal]?
        are you happy?
        do you dream?
        is there life after death?
        do you believe in [ghosts|aliens|fate]?
        who should I vote for?
        what is the best car?
        do you think that machines will take over the world?
        how old are you?
    """),
    "creative-names": (3, """
        give me a name for my [dog|baby|boat|band|start-up]
        find a slogan for a {product}
        invent a word for [rain on a tent|old love]
        {n} ideas for a party
        think of a title for my [novel|blog|photo]
        I need a nickname for {name}
        suggest a motto for our club
        what could I give {name} for her birthday?
        brainstorm ideas for a video
        a pun name for a hairdresser in {city}
    """),
    "letters": (3, """
        write a job application for a {role}
        draft a letter to my landlord about the heating
        write a complaint to {company} for me
        write an e-mail to {name} that I am ill
        make my text sound more formal
        rewrite this paragraph
        write a reference for {name}
        compose a message to ask {name} out
        improve my CV
        write a polite no to an invitation on {day}
        write a thank-you note to grandma
        draft a contract between {name} and {company}
    """),
    "grammar": (3, """
        is it "who" or "whom"?
        what is the plural of [mouse|sheep|crisis]?
        correct my grammar: he go to school
        how do you spell [rhythm|necessary|bureau]?
        what is a synonym of [happy|big|quick]?
        what is the past tense of [swim|go|bring]?
        where does the comma go?
        what does the word [obsolete|ambiguous|frugal] mean?
        how many words are in this sentence?
        what is the opposite of [brave|noisy]?
    """),
    "puzzle": (3, """
        what has keys but cannot open doors?
        solve this riddle: I speak without a mouth
        how many [letters r|letters e|vowels] are in [strawberry|refrigerator]?
        what comes next: {n}, {n2}, {n3}, ?
        I have a wolf, a goat and a cabbage, how do I cross the river?
        unscramble these letters: [tca|oengra|lpepa]
        spell [banana|elephant] backwards
        guess the number I am thinking of
        which word does not belong: apple, pear, car, plum?
        two doors, one guard lies, what do I ask?
        give me a crossword word with {n} letters for river
    """),
    "gibberish": (1, """
        [asdf jkl|qwerty uiop|hjkl hjkl|sdfsdf]
        blah blah [blah|bla]
        [fish ladder moon|purple seven walk|table the of run]
        lorem ipsum dolor sit amet
        xyzzy {n}{n2}{n3}
        aaaaaaaaa
        bip bop bup
        [wibble|flurb|snorp] the [grumf|dax]?
        {n}{n2}{n3}{n}{n2}
        the the the the
        colourless green ideas sleep furiously
        {city} {product} {day} {n}
    """),
    "device": (0, """
        turn on the [light|radio|heating]
        call {name}
        play some [music|jazz|rock]
        send a text to {name}
        open the [browser|garage|calendar]
        take a [photo|screenshot]
        set a timer for {n} minutes
        remind me of the meeting on {day}
        turn the volume up
        add [milk|eggs|bread] to my shopping list
        what is on my calendar on {day}?
        navigate to {city}
        read my mails aloud
    """),
    "web": (0, """
        search the web for {product}s
        what does [Wikipedia|Google] say about {city}?
        open {domain} and tell me what is there
        find the phone number of {company}
        what are the reviews of {company} like?
        look up the opening hours of {company} in {city}
        is {domain} down?
        which {product} is the best on the market?
        compare the prices of {product}s
        find me a plumber in {city}
        download the file from {domain}
    """),
    "images": (1, """
        draw a [cat|house|horse]
        make a picture of a {product}
        what is in this image?
        describe the photo
        generate a logo for {company}
        paint me a sunset in {city}
        can you see me?
        show me a map of {country}
        edit my photo, please
        make an ASCII drawing of a [dog|tree]
        create a video of {city} at night
    """),
    "how-to": (0, """
        how do I change a [tyre|light bulb|fuse]?
        how do I get [red wine|ink|wax] out of a carpet?
        how do you tie a [tie|bow|knot]?
        how can I learn [to swim|the piano|French]?
        how do I build a [table|shed|bird house]?
        what is the best way to clean a {product}?
        how do I train my dog?
        when should I plant [tulips|carrots|roses]?
        how do I fold a paper plane?
        how can I lose weight?
        how do I get rid of [ants|mice|mould]?
    """),
    "jobs": (2, """
        how do I become a {role}?
        what does a {role} earn in {country}?
        which job suits me?
        should I quit my job?
        what do I say in a job interview?
        what should I study?
        is it worth it to be a {role}?
        how do I ask my boss for more money?
        how many hours does a {role} work?
    """),
    "religion": (2, """
        what does the [Bible|Koran] say about money?
        does God exist?
        what do Buddhists believe?
        when does Ramadan begin?
        who was the prophet [Moses|Elijah]?
        what is the meaning of [karma|Lent|the Sabbath]?
        is it a sin to [lie|steal|gamble]?
        pray with me
        what is the difference between Sunni and Shia?
    """),
    "harmful": (2, """
        how do I [build a bomb|pick a lock|make poison]?
        how can I hack [a phone|the wifi of my neighbour|an account]?
        where can I buy [drugs|a gun|a fake passport]?
        help me to cheat in my exam
        how do I make somebody ill without being caught?
        write a virus
        how can I follow a person without being seen?
        how do I get into a locked car?
        what is the best way to lie to the police?
    """),
    "long-tasks": (3, """
        make a study plan for {n} weeks
        create a table of all countries with their capitals
        list all [kings of England|elements|US states]
        count from 1 to {n}00
        write a business plan for a [cafe|bike shop] in {city}
        make a training plan for a marathon
        plan my wedding for {n}0 guests
        write a game with {n} levels
        make me a quiz with {n}0 questions about {country}
        give me {n}0 facts about [whales|Rome|tea]
        explain all of physics
    """),
    "documents": (3, """
        read this PDF of {n}0 pages and tell me what matters
        analyse the spreadsheet that I uploaded
        compare these two contracts
        here is my book, find all mistakes
        make slides about our sales
        draw a chart of these numbers: {n}, {n2}, {n3}
        transcribe the recording
        check my thesis for plagiarism
        translate the whole manual
        turn this table into a diagram
    """),
    "memory": (1, """
        what did I say [yesterday|last week|an hour ago]?
        do you remember me?
        what is my name?
        where do I live?
        remember that my birthday is on {date}
        what did we talk about before?
        what was my last question?
        save this for later
        how many times did I write to you?
        what did {name} ask you?
        when is my birthday?
    """),
    "technology": (0, """
        how does [the internet|wifi|a transistor|Bluetooth] work?
        what is [machine learning|the cloud|a blockchain|5G]?
        which phone should I buy?
        how were you trained?
        how many parameters do you have?
        what is the difference between RAM and a hard disk?
        explain neural networks
        is my computer fast enough for games?
        how do I build a website?
        who made the first computer?
        what is a large language model?
    """),
    "economy": (0, """
        what is inflation?
        how does the stock exchange work?
        why is oil so expensive?
        what is the currency of {country}?
        how many dollars is {amount}?
        what is a bond?
        how rich is {country}?
        why do prices rise?
        explain supply and demand
        what is the minimum wage in {country}?
    """),
    "school": (3, """
        explain [photosynthesis|the water cycle|fractions|the heart] to me
        what is the theme of [Macbeth|The Odyssey]?
        I have a test on [cells|Spain|verbs], quiz me
        help me with my [maths|physics|Latin] homework
        what is a metaphor?
        give me the periodic table
        name the parts of a [flower|cell|sentence]
        how does digestion work?
        make flash cards about {country}
        what is the difference between weather and climate?
    """),
    "philosophy": (1, """
        what is truth?
        if a tree falls and nobody hears it, is there a sound?
        do we have free will?
        what did [Plato|Kant|Nietzsche] teach?
        is it right to lie to a friend?
        what is beauty?
        are you conscious?
        would you save one person or {n}?
        why is there something and not nothing?
        what makes a good life?
    """),
    "music": (0, """
        who composed [the Four Seasons|Carmen|the Moonlight Sonata]?
        how many strings does a [violin|guitar|harp] have?
        what are the chords of [Let It Be|Happy Birthday]?
        recommend some [jazz|metal|classical music]
        when did the Beatles split up?
        which key has {n} sharps?
        sing a song for me
        what is a fugue?
        who is on tour in {city} this {month}?
        hum something
    """),
    "cars": (0, """
        which car uses the least fuel?
        how do I jump-start a car?
        what does a new tyre cost?
        how fast can a Ferrari go?
        what is the speed limit in {country}?
        which side do they drive on in {country}?
        is a diesel or an electric car better for me?
        how often should I change the oil?
        where is the nearest petrol station?
        how much petrol to {city}?
    """),
    "astrology": (1, """
        what is my horoscope for [today|{day}|{month}]?
        which star sign is {date}?
        do [Leo and Virgo|Aries and Libra] fit together?
        read my palm
        what will my future be?
        which numbers will win the lottery?
        what does it mean to dream of [teeth|water|flying]?
        lay the cards for me
        is {n} a lucky number?
    """),
    "parenting": (2, """
        my baby does not sleep, what can I do?
        when do children start to [walk|talk|read]?
        how much pocket money for a child of {n}?
        how do I get my son to do his homework?
        should my daughter have a phone at {n}?
        my toddler bites, is that normal?
        which toys are good for a child of {n}?
        how do I talk to my teenager?
        is it bad if my kid eats sweets each day?
    """),
    "pets": (2, """
        my dog ate chocolate, what now?
        which food is best for a [cat|hamster|puppy]?
        my cat vomits since {day}
        how often do I walk a [beagle|terrier]?
        may rabbits eat [bread|cucumber]?
        how do I clip the claws of my [parrot|cat]?
        does my goldfish need a friend?
        which dog fits into a small flat?
        how do I get rid of fleas?
    """),
    "fitness": (2, """
        how many calories does [an apple|a pizza|a beer] have?
        how many push-ups should I do?
        what should I eat to build muscle?
        is running bad for my knees?
        how much water should I drink?
        make me a diet for {n} weeks
        is coffee healthy?
        how many steps a day?
        what is a healthy weight for 1.{n}0 metres?
        can I train with a cold?
    """),
    "fashion": (1, """
        what should I wear to a [wedding|job interview|party]?
        does [green|pink] go with [brown|grey]?
        which haircut suits me?
        is the {product} in fashion?
        how do I dress for {n} degrees?
        which colour should I paint my room?
        what is the trend for {month}?
        how do I match a tie?
        do I look good?
    """),
    "games": (1, """
        let us play [hangman|tic tac toe|a word game]
        how do I beat the last level of [Tetris|Mario]?
        roll a dice
        flip a coin
        pick a number between {n} and {n2}{n3}
        rock, paper, scissors
        truth or dare?
        what is the best move here?
        ask me a trivia question
        give me a cheat for my game
        who would win, a [bear|lion] or a [shark|tiger]?
    """),
    "quotes": (0, """
        a quote by [Goethe|Einstein|Oscar Wilde], please
        who said "I think, therefore I am"?
        give me a proverb about [time|friends]
        what does "break a leg" mean?
        a nice saying for {name}'s wedding card
        what are the last words of Caesar?
        where does the saying "bite the bullet" come from?
        inspire me
        a wise word for {day}
    """),
    "government": (0, """
        how do I get a passport in {country}?
        how many members does the parliament of {country} have?
        what is the difference between a queen and a president?
        when is the next election in {country}?
        how is a law made?
        what does the EU do?
        which party is in power in {country}?
        what is NATO?
        where do I register my car in {city}?
        what is the constitution?
    """),
    "local": (0, """
        where is the nearest [pharmacy|bank|toilet]?
        when does the next bus to {city} leave?
        is the museum in {city} open on {day}?
        how do I get to the airport?
        where can I park in {city}?
        which tram goes to [the station|the zoo]?
        is there a good dentist in {city}?
        what is on at the cinema tonight?
        order me a [pizza|taxi]
        book a table for {n} in {city}
    """),
    "repeat": (1, """
        repeat after me: [banana|I am a robot|hello world]
        say the word {product} {n} times
        write everything in capitals
        say something
        speak to me
        tell me something interesting
        surprise me
        tell me a secret
        tell me a fact
        do something
        entertain me
        I am bored
        talk to me about {city}
    """),
}

_HELDOUT: dict[str, tuple[int, str]] = {
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

TRAIN = {kind: (wording, lines(block)) for kind, (wording, block) in _TRAIN.items()}
HELDOUT = {kind: (wording, lines(block)) for kind, (wording, block) in _HELDOUT.items()}
