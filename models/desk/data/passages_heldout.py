"""Passages of `answer` for the held-out families: other topics, other sentences, other questions."""

TEXT = """
# locker station
@ keep | days | | the storage time
+ A parcel waits in the box for {v}, then it goes back.
+ Boxes keep your parcel for {v}.
? For what time is a parcel kept in the box?
? After how long does an uncollected parcel go back?
@ limit | weight | | the weight limit
+ Nothing heavier than {v} fits the rules of the station.
+ The station accepts at most {v}.
? What is the maximum weight the station takes?
? How heavy can a parcel for the station be?
@ pin | =a six-digit pin; a QR code; the app; your library card; a text message | | what opens the box
+ The box is opened with {v}.
+ To open your box, use {v}.
? How is the box opened?
? What do I use for opening my box?
@ fee | money | medium box, small box, large box, cooled box | the rent of a {s}
+ Renting a {s} is {v} a day.
+ A {s} can be had for {v}.
? What's the rent for a {s}?
? How much money for a {s}?
@ site | =the petrol station; the swimming pool; the town library; platform {1-9}; the bakery | | the site
+ The lockers stand next to {v}.
+ Look for the lockers beside {v}.
? Next to what do the lockers stand?
? Where are the lockers?
~ The station works around the clock.
~ Wet parcels are refused.
# gym rules
@ class | weekday | yoga, boxing, spinning, pilates, zumba, swimming | the day of {s}
+ {s} is taught on {v}.
+ Come on {v} for {s}.
? Which weekday is {s}?
? When can I do {s}?
?s Which course runs on {v}?
@ coach | name | yoga, boxing, spinning, pilates, zumba, swimming | the coach of {s}
+ {v} gives the lessons in {s}.
+ The {s} lessons are given by {v}.
? Who gives the lessons in {s}?
? By whom are the {s} lessons given?
?s Which sport does {v} teach?
@ towel | money | | the towel fee
+ Towels are lent for {v}.
+ If you forget your towel, one costs {v}.
? What's the charge for a towel?
? How much do you want for a towel?
@ freeze | period | | how long to pause
+ A contract can be paused for {v}.
+ Taking a break is possible for {v}.
? For how long may I pause my contract?
? What is the longest break from a contract?
@ age | age | | the minimum age
+ The lowest age for the weights area is {v}.
+ You must have reached the age of {v}.
? What age is needed?
? How old must one be?
~ Lockers are emptied at night.
~ Shoes have to be clean.
# bus line
@ every | minutes | line 4, line 7, line 12, line 15, line 20, the night bus | the interval of {s}
+ {s} runs every {v}.
+ A bus of {s} leaves every {v}.
? How often does {s} run?
? What is the interval of {s}?
@ last | time | line 4, line 7, line 12, line 15, line 20, the night bus | the last ride of {s}
+ The last ride of {s} is at {v}.
+ {s} ends its service at {v}.
? When is the final ride of {s}?
? Up to what time does {s} drive?
@ fare | money | children, adults, dogs, bikes, pensioners | the fare for {s}
+ The fare for {s} is {v}.
+ {s} travel for {v}.
? What's the fare for {s}?
? How much must {s} pay for a ride?
@ ends | city | line 4, line 7, line 12, line 15, line 20 | the last stop of {s}
+ {s} goes as far as {v}.
+ The last stop of {s} is {v}.
? Where does {s} end?
? What's the last stop of {s}?
?s Which line goes to {v}?
@ lost | phone | | the lost property number
+ Lost property can be asked for under {v}.
+ Those who lost a thing may dial {v}.
? What number is for lost property?
? I lost my bag, what should I dial?
~ Please board at the front.
~ Seats by the door are for those who need them.
# library
@ loan | days | novels, films, magazines, comics, games, music | the loan period of {s}
+ {s} may be kept for {v}.
+ The loan period of {s} runs {v}.
? For how long may I keep {s}?
? What is the loan period of {s}?
?s What may be kept for {v}?
@ fine | money | novels, films, magazines, comics, games | the fine for {s}
+ Late {s} cost {v} a week.
+ The fine for {s} that come back late is {v}.
? What's the fine for late {s}?
? How expensive is it to bring {s} back late?
@ max | count | | the maximum number of loans
+ One card allows {v} loans at once.
+ No more than {v} things can be borrowed together.
? How many things can I borrow at once?
? What number of loans does a card allow?
@ floor | floor | novels, films, magazines, comics, the children's books | the floor of {s}
+ {s} stand on the {v}.
+ Go to the {v} for {s}.
? On what floor do {s} stand?
? Which floor has {s}?
@ librarian | name | | the librarian
+ The person at the desk is {v}.
+ Ask for {v} at the desk.
? Who is at the desk?
? Whom should I ask at the desk?
~ Food stays outside.
~ Quiet is asked for in the reading hall.
# ship | =the Merrow; the Gullwing; the Patience; the Old Harriet; the Nordlys; the Blue Finch; the Sturgeon
@ crew | count | | the size of the crew
+ {e} sails with a crew of {v}.
+ There are {v} sailors on board.
? How many sailors does {e} have?
? How large is the crew?
@ captain | name | | the captain
+ The captain of {e} is called {v}.
+ {v} commands {e}.
? Who commands {e}?
? Who's the captain?
@ cargo | =timber; tea; tiles; grain; coffee; cotton; copper; lemons | | the cargo
+ In her hold {e} carries {v}.
+ The cargo is {v}.
? What does {e} carry?
? What is in the hold?
@ port | city | | the home port
+ Her home port is {v}.
+ {e} belongs to the port of {v}.
? What's the home port of {e}?
? To which port does {e} belong?
@ launched | year | | the year of the launch
+ {e} was launched in {v}.
+ The shipyard finished her in {v}.
? What year was {e} launched?
? When did the shipyard finish {e}?
@ long | length | | the length of the ship
+ From bow to stern she measures {v}.
+ {e} is {v} long.
? How long is {e}?
? What length does the ship have?
~ She has been painted many times.
~ The sails were sewn by hand.
# zoo
@ fed | time | lions, otters, penguins, seals, bears, parrots, wolves | the feeding time of the {s}
+ The {s} are fed at {v}.
+ Feeding the {s}: {v}.
? When are the {s} fed?
? At what hour do the {s} eat?
?s Which animals are fed at {v}?
@ number | count | lions, otters, penguins, seals, bears, parrots, wolves | the number of {s}
+ {v} {s} live in the zoo.
+ The zoo keeps {v} {s}.
? How many {s} live in the zoo?
? What number of {s} does the zoo keep?
@ keeper | name | lions, otters, penguins, seals, bears, parrots, wolves | the keeper of the {s}
+ {v} looks after the {s}.
+ The keeper of the {s} is {v}.
? Who looks after the {s}?
? Who's the keeper of the {s}?
?s Which animals does {v} look after?
@ food | =fish; apples; meat; nuts; carrots; berries; squid | lions, otters, penguins, bears, parrots, wolves | the food of the {s}
+ The favourite food of the {s} is {v}.
+ {s} get {v} every day.
? What do the {s} eat?
? What's the favourite food of the {s}?
@ gate | =the north gate; the river gate; gate {1-9}; the main square | | the way in
+ Visitors come in through {v}.
+ The only way in is {v}.
? Through which gate do visitors come in?
? What is the way in?
~ Please do not knock on the glass.
~ Young animals need quiet.
# tool hire
@ rate | money | drill, ladder, cement mixer, chainsaw, trailer, sander | the daily rate of a {s}
+ A {s} is let at {v} per day.
+ Borrow a {s} for {v} daily.
? What's the daily rate of a {s}?
? How much per day for a {s}?
?s Which machine is let at {v}?
@ deposit | money | drill, ladder, cement mixer, chainsaw, trailer, sander | the deposit for a {s}
+ We hold {v} as a deposit on a {s}.
+ The deposit for a {s} comes to {v}.
? What deposit do you hold on a {s}?
? How much deposit for a {s}?
@ longest | days | | the longest hire
+ No hire goes beyond {v}.
+ Machines can stay with you for {v} at most.
? What's the longest hire?
? For how long at most can I have a machine?
@ id | =a passport; a driving licence; a bank card; two signatures; a utility bill | | the papers needed
+ Please show {v} when you collect.
+ Collecting needs {v}.
? What papers do I show when I collect?
? What do you want to see at collection?
@ back | time | | the time to bring it back
+ Everything has to be back by {v}.
+ Bring machines back before {v}.
? By when do machines have to be back?
? What's the latest hour for bringing it back?
~ Fuel is not included.
~ Gloves are sold at the till.
# school trip
@ leave | time | year 3, year 4, year 5, year 6, the choir, the chess club | the departure of {s}
+ {s} sets off at {v}.
+ The coach with {s} departs at {v}.
? When does {s} set off?
? What time does the coach with {s} depart?
@ goes | =the salt mine; the planetarium; the seaside; a farm; the theatre; the chocolate factory; the caves | year 3, year 4, year 5, year 6, the choir, the chess club | the goal of {s}
+ {s} visits {v}.
+ The outing of {s} is to {v}.
? What does {s} visit?
? Where does {s} go?
?s Who visits {v}?
@ with | name | year 3, year 4, year 5, year 6, the choir, the chess club | the adult with {s}
+ {v} travels with {s}.
+ {s} is accompanied by {v}.
? Who travels with {s}?
? Which adult accompanies {s}?
@ bring | =rubber boots; a packed lunch; sun cream; a pencil; swimming things; two coins | | what to bring
+ Every child should bring {v}.
+ Please pack {v}.
? What should every child bring?
? What has to be packed?
@ pay | money | | the contribution of parents
+ Parents contribute {v}.
+ The contribution of each family is {v}.
? What do parents contribute?
? How much does each family have to give?
~ Phones stay at school.
~ The weather should be fine.
# flat to let | address
@ rent | money | | the rent
+ The flat at {e} is let for {v} a month.
+ Monthly rent: {v}.
? What's the monthly rent?
? How much a month is the flat at {e}?
@ rooms | count | | the number of rooms
+ It is divided into {v} rooms.
+ The flat has {v} rooms.
? How many rooms are there?
? What number of rooms does the flat have?
@ free | date | | the date it is free
+ It can be moved into on {v}.
+ The flat becomes free on {v}.
? When can one move in?
? From what day is it free?
@ owner | name | | the owner
+ The owner is {v}.
+ It belongs to {v}.
? Who owns the flat?
? To whom does it belong?
@ heat | =gas; oil; a heat pump; a wood stove; district heat | | the heating
+ Warmth comes from {v}.
+ The flat is heated by {v}.
? How is the flat heated?
? What gives the warmth?
@ bail | money | | the security
+ A security of {v} is asked for.
+ On signing, leave {v} as security.
? How much security is asked for?
? What security has to be left on signing?
~ Viewings are by arrangement.
~ The balcony faces south.
# garden plant | =the moon lily; blue thistle; the dwarf plum; winter basil; the paper rose; sand mint; the giant leek
@ plant | month | | the planting month
+ {e} is planted in {v}.
+ Put it into the ground in {v}.
? When is {e} planted?
? What month should it go into the ground?
@ harvest | month | | the picking month
+ Picking begins in {v}.
+ {e} can be picked from {v}.
? When does picking begin?
? From what month can it be picked?
@ tall | length | | the height of the plant
+ {e} grows to {v}.
+ Its stem gets {v} tall.
? How tall does {e} grow?
? What height does the stem get?
@ soil | =sandy soil; clay; wet soil; chalk; loose earth; stony ground | | the soil
+ It likes {v} best.
+ {e} needs {v}.
? What soil does it like?
? Which ground does {e} need?
@ apart | length | | the distance between plants
+ Leave {v} between two plants.
+ The gap from plant to plant is {v}.
? How much room should be between two plants?
? What is the gap from plant to plant?
@ pest | =snails; beetles; mice; crows; moths; ants | | the pest
+ Its worst enemy is {v}.
+ Watch out for {v}.
? What is its worst enemy?
? What should I watch out for?
~ Bees are fond of it.
~ In the shade it stays small.
"""

STORIES = """
# broken on arrival
+ Glass broke on the way? Send a picture to {inbox:email} no later than {limit:days} after arrival. A new piece leaves our store in {place:city} as soon as {person:name} has looked at the picture.
+ Since {from:month}, breakages have been looked into by {person:name}. Nine in ten cases end with {outcome:=a new piece; a credit note; a partial refund; a small gift; a spare handle}. The broken piece should be kept for {hold:days}.
+ For items worth more than {worth:money}, the driver notes any damage at the door. You then get {outcome:=a credit note; a new box; a call back; a free repair}. Questions about it are taken at {dial:phone}.
? inbox | Where should a picture of broken glass go?
? inbox | Which inbox takes the picture?
? limit | What is the last moment to send a picture?
? limit | How soon after arrival must I show you the damage?
? place | From what city does a new piece leave?
? place | Where is the store that sends the new piece?
? person | Who looks into breakages?
? person | Which employee sees the pictures?
? from | Since what month has this been so?
? outcome | How do such cases mostly end?
? outcome | What will I be given?
? hold | For how long should I keep the broken piece?
? worth | Above what worth does the driver note damage?
? dial | On what number are questions taken?
# old clockmaker
+ The clockmaker {maker:name} rented a room above a bakery in {town:city}. In {spring:year} the rent rose to {rent:money} and the tools went to {friend:first}. After that nobody heard a bell for {gap:period}.
+ A clock by {maker:name} struck {strikes:count} times on {odd:weekday} evenings, and no one knew why. {friend:first} opened the case and found {hidden:=a dead moth; a love letter; a gold coin; a pea; a bent spoon} inside.
+ Visitors of {town:city} still set their watches by the clock of {maker:name}. It runs late by {late:minutes}, and its longer hand measures {hand:length}. Paint was last put on it in {spring:year}.
? maker | Whose clock or room is described?
? maker | What was the clockmaker called?
? town | What town is the tale set in?
? town | In what place did people know the clock?
? spring | Which year is given?
? rent | What did the rent rise to?
? friend | Who got the tools or opened the case?
? friend | Which first name is given besides the clockmaker's?
? gap | For how long was no bell heard?
? strikes | How many times did the clock strike?
? odd | On which evenings did it strike oddly?
? hidden | What was hidden inside the case?
? late | By how much is the clock late?
? hand | What does the longer hand measure?
# volunteer day
+ Helpers gather at {meet:=the boathouse; the chapel; the old oak; the fire station; the square} at {hour:time}. {boss:name} hands out gloves, and lunch is paid by {sponsor:company}. Last time {bags:many} bags of litter were filled.
+ On {when:date} we paint the fence of the day nursery. {sponsor:company} gives the paint, in {tone:colour} this time. {boss:name} needs {hands:count} more pairs of hands.
+ Because the ground is frozen, tree planting is put off until {when:date}. Helpers who have signed up hear from {boss:name}. Each tree costs {tree:money} and grows about {grow:length} a year.
? meet | At what spot do helpers gather?
? meet | Where do we meet?
? hour | What hour do helpers gather?
? boss | Who organises the helpers?
? boss | From whom will helpers hear or get gloves?
? sponsor | Which firm supports the day?
? sponsor | Who pays or gives the material?
? bags | How many bags were filled last time?
? when | To which date is it set?
? tone | In what colour is the fence painted?
? hands | How many more hands are needed?
? tree | What is the cost of one tree?
? grow | How much does a tree grow each year?
"""
