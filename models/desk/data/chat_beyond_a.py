"""What is beyond a support-desk model, in training: the first half of the kinds."""

BLOCKS: dict[str, tuple[int, str]] = {
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
}
