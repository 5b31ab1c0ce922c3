"""Passages of `answer` for training beyond the desk: invented people, places, devices, recipes, events."""

TEXT = """
# person life | name
@ born | year | | the year of birth
+ {e} was born in {v}.
+ {e} came into the world in {v}.
? When was {e} born?
? In which year was {e} born?
? What is the birth year of {e}?
@ place | city | | the place of birth
+ {e} grew up in {v}.
+ The family came from {v}.
+ {e} spent a happy childhood in {v}.
? Where did {e} grow up?
? Which city did {e} grow up in?
? Where does {e} come from?
@ job | =a nurse; a carpenter; a pilot; a teacher; a baker; a painter; an engineer; a translator; a gardener; a judge; a cook | | the profession of {e}
+ {e} works as {v}.
+ By trade, {e} is {v}.
+ Today {e} earns a living as {v}.
? What does {e} do for a living?
? What is the job of {e}?
? What kind of work does {e} do?
@ partner | first | | the partner of {e}
+ {e} is married to {v}.
+ {e} shares a flat with {v}.
? Who is {e} married to?
? Who lives with {e}?
? What is the name of the partner of {e}?
@ children | count | | the number of children
+ {e} has {v} children.
+ There are {v} children in the family.
? How many children does {e} have?
? How many kids are there?
@ hobby | =playing chess; rowing; collecting stamps; climbing; baking bread; singing; fixing old radios; painting birds; running | | the hobby of {e}
+ In the evening {e} likes {v}.
+ {e} loves {v}.
? What does {e} like to do?
? What is the hobby of {e}?
? What does {e} enjoy in free time?
@ move | year | | the year of the move
+ {e} moved abroad in {v}.
+ In {v}, {e} left the country.
? When did {e} move abroad?
? In what year did {e} leave the country?
~ Friends describe {e} as calm.
~ Not much is known about the early years.
~ A short film was made about this life.
# village | city
@ people | many | | the number of inhabitants
+ About {v} people live in {e}.
+ {e} has {v} inhabitants.
+ The population is {v}.
? How many people live in {e}?
? What is the population of {e}?
? How many inhabitants are there?
@ founded | year | | the year of the founding
+ {e} was founded in {v}.
+ The place was first settled in {v}.
? When was {e} founded?
? How old is {e}, when was it founded?
? In which year was the place settled?
@ river | =the Ald; the Brenn; the Corva; the Dunne; the Esker; the Luma; the Teal; the Orrin | | the river
+ It lies on {v}.
+ The river that runs through it is {v}.
? Which river flows there?
? On what river does {e} lie?
? What is the name of the river?
@ mayor | name | | the mayor
+ The mayor is {v}.
+ {v} has been mayor for some time.
+ {e} is governed by {v}.
? Who is the mayor?
? Who governs {e}?
? What is the name of the mayor of {e}?
@ market | weekday | | the market day
+ There is a market every {v}.
+ Farmers sell their goods on {v}.
? When is the market?
? On which day do farmers sell their goods?
? What is the market day?
@ known | =its cheese; glass; its old bridge; wooden toys; a music school; a lighthouse; its roses; salt | | what it is known for
+ The place is known for {v}.
+ Visitors come because of {v}.
? What is {e} known for?
? Why do visitors come?
? What makes the place famous?
@ height | length | tower, bridge, wall, old oak, lighthouse, statue | the height of the {s}
+ The {s} is {v} high.
+ With {v}, the {s} is easy to see.
? How high is the {s}?
? How tall is the {s}?
? What is the height of the {s}?
~ The streets are narrow.
~ In winter it can be very quiet.
~ A train stops there twice a day.
# recipe
@ amount | =two cups; three spoons; {50-900} grams; half a litre; one cup; a pinch; {2-9} slices; four handfuls | flour, sugar, milk, butter, salt, rice, oats, cream, yeast, honey, water, oil | the amount of {s}
+ You need {v} of {s}.
+ Add {v} of {s}.
+ Mix in {v} of {s}.
? How much {s} do I need?
? How much {s} goes in?
? What amount of {s} is used?
? How much {s} is in the recipe?
?s Of what do I need {v}?
@ bake | minutes | | the baking time
+ Bake it for {v}.
+ It stays in the oven for {v}.
? How long does it bake?
? How long is it in the oven?
? What is the baking time?
@ heat | temperature | | the oven temperature
+ Heat the oven to {v}.
+ The oven should be at {v}.
? How hot should the oven be?
? What temperature do I set?
? At how many degrees is it baked?
@ serves | =four people; six; two people; eight guests; three to four people; a family of five | | how many it serves
+ The recipe serves {v}.
+ This is enough for {v}.
? How many does it serve?
? For how many people is it?
? How many can eat from it?
@ rest | minutes | | the resting time of the dough
+ Let the dough rest for {v}.
+ The dough needs {v} of rest.
? How long must the dough rest?
? How long do I leave the dough?
? For what time does the dough stand?
@ from | country | | the origin of the dish
+ The dish comes from {v}.
+ People in {v} have cooked it for ages.
? Where does the dish come from?
? In which country is it cooked?
? What is its origin?
~ Serve it warm.
~ It tastes even better the next day.
~ Stir now and then.
# event
@ date | date | | the date
+ The festival takes place on {v}.
+ It begins on {v}.
+ Save the date: {v}.
? When is the festival?
? On which date does it take place?
? What day does it begin?
@ place | =the town hall; the old mill; the park; the harbour; the sports hall; the castle; the school; the library garden | opening, concert, workshop, dinner, film night, reading, race, dance | the place of the {s}
+ The {s} is held in {v}.
+ For the {s}, come to {v}.
+ {v} is where the {s} happens.
? Where is the {s}?
? Where is the {s} held?
? Which place is used for the {s}?
?s What is held in {v}?
@ start | time | opening, concert, workshop, dinner, film night, reading, race, dance | the start of the {s}
+ The {s} starts at {v}.
+ The {s} begins at {v}.
+ At {v} the {s} begins.
? When does the {s} start?
? What time is the {s}?
? At what time does the {s} begin?
?s What begins at {v}?
@ price | money | children, adults, groups, students, seniors | the ticket price for {s}
+ Tickets for {s} cost {v}.
+ {s} pay {v} at the door.
? How much is a ticket for {s}?
? What do {s} pay?
? What is the entry for {s}?
@ speaker | name | opening, concert, workshop, reading, race | the person who leads the {s}
+ {v} leads the {s}.
+ The {s} is led by {v}.
+ The guest of the {s} is {v}.
? Who leads the {s}?
? Who is the guest at the {s}?
? Which person is behind the {s}?
?s What is led by {v}?
@ guests | many | | the number of guests
+ {v} guests are expected.
+ Last year {v} people came.
? How many people come?
? How many guests are there?
? What number of visitors is mentioned?
~ Bring a warm coat.
~ In case of rain it is moved indoors.
~ Helpers are still wanted.
# team roles
@ role | role | name | the role of {s}
+ {s} is the {v}.
+ {s} works as {v}.
+ The {v} is {s}.
? What does {s} do?
? What is the role of {s}?
? What is the job of {s}?
?s Who is the {v}?
?s Who works as {v}?
?s What is the name of the {v}?
?s Which person is the {v}?
@ since | year | name | the year {s} joined
+ {s} joined in {v}.
+ {s} has been there since {v}.
? When did {s} join?
? Since when has {s} been there?
? In which year did {s} start?
?s Who joined in {v}?
@ from | city | name | the home of {s}
+ {s} comes from {v}.
+ {s} lives in {v}.
? Where does {s} live?
? Which city is {s} from?
? Where is {s} from?
?s Who is from {v}?
@ day | weekday | name | the day off of {s}
+ {s} is away on {v}.
+ On {v}, {s} does not work.
? When is {s} away?
? On which day does {s} not work?
?s Who is away on {v}?
@ room | =room {2-400} | name | the room of {s}
+ {s} sits in {v}.
+ You find {s} in {v}.
? Where does {s} sit?
? In which room is {s}?
? Where can I find {s}?
?s Who sits in {v}?
~ The team meets every morning.
~ New people are welcome.
~ Everyone can be reached by mail.
# museum
@ room | =room {1-20}; the west wing; the cellar; the hall; the tower; the garden; the attic; the east wing | coins, clocks, paintings, stones, ships, masks, maps, dolls, swords, birds, stamps | the place of the {s}
+ The {s} are in {v}.
+ You can see the {s} in {v}.
+ {v} holds the {s}.
? Where are the {s}?
? Where can I see the {s}?
? In which part of the museum are the {s}?
?s What is shown in {v}?
@ number | many | coins, clocks, paintings, stones, ships, masks, maps, dolls, swords, birds, stamps | the number of {s}
+ The museum owns {v} {s}.
+ There are {v} {s} on show.
? How many {s} are there?
? How many {s} does the museum own?
? What is the number of {s}?
@ built | year | | the year it was built
+ The building dates from {v}.
+ It was built in {v}.
? When was the museum built?
? How old is the building?
? From which year is the house?
@ tour | minutes | | the length of a tour
+ A tour takes {v}.
+ The guide walks with you for {v}.
? How long is a tour?
? How much time does a tour take?
? For how long does the guide walk with us?
@ gave | name | coins, clocks, paintings, stones, masks, maps, dolls | the giver of the {s}
+ The {s} were a gift of {v}.
+ {v} collected the {s}.
? Who gave the {s}?
? Who collected the {s}?
? From whom are the {s}?
?s What did {v} collect?
@ entry | money | | the price of entry
+ Entry is {v}.
+ Visitors pay {v}.
? How much is the entry?
? What do I pay to get in?
? What does a visit cost?
~ Photos without flash are fine.
~ Bags go into the lockers.
~ The shop sells cards and books.
# hike
@ length | distance | | the length of the path
+ The path is {v} long.
+ From start to end you walk {v}.
? How long is the path?
? How far do I walk?
? What is the length of the hike?
@ time | minutes | | the walking time
+ Plan {v} for the walk.
+ Most people need {v}.
? How much time should I plan?
? How long do most people need?
? How long does the walk take?
@ top | length | | the highest point
+ The highest point is at {v}.
+ The path climbs to {v}.
? How high does it go?
? What is the highest point?
? Up to which height does the path climb?
@ start | =the church; the bus stop; the old well; the station; the bridge; the car park; the red barn | | the starting point
+ The walk starts at {v}.
+ Begin at {v}.
? Where does the walk start?
? Where do I begin?
? What is the starting point?
@ month | month | | the best month
+ The best month to go is {v}.
+ It is most beautiful in {v}.
? When should I go?
? Which month is best?
? What is the best time of year?
@ sign | =a red dot; a yellow arrow; a white line; a blue leaf; a green star; a black bird | | the sign of the path
+ Follow {v} on the trees.
+ The path is marked with {v}.
? Which sign do I follow?
? How is the path marked?
? What should I look for on the trees?
@ animals | =deer; foxes; herons; goats; hares; owls; wild horses | | the animals
+ With luck you see {v}.
+ {v} live near the path.
? Which animals can be seen?
? What animals live there?
? What might I see with luck?
~ Take enough water with you.
~ Dogs must be on a lead.
~ After rain the ground is slippery.
"""
