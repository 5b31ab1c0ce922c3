"""What is beyond a support-desk model, in training: the second half of the kinds."""

BLOCKS: dict[str, tuple[int, str]] = {
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
