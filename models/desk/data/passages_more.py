"""More passages of `answer` for training: services, companies, nature, school."""

TEXT = """
# customs
@ duty | percent | clothing, wine, electronics, shoes, toys, perfume, tools | the duty on {s}
+ The duty on {s} is {v}.
+ Customs take {v} of the value of {s}.
+ {s} are taxed at {v} when they enter the country.
? How high is the duty on {s}?
? What share do customs take for {s}?
? How much tax is there on {s}?
?s Which goods are taxed at {v}?
@ free | money | | the duty-free limit
+ Gifts below {v} are free of duty.
+ Nothing has to be paid for parcels worth less than {v}.
? Up to what value do I pay no duty?
? What is the free limit?
? How much may a gift be worth?
@ hold | days | | how long customs hold a parcel
+ Customs may hold a parcel for {v}.
+ A check can take {v}.
? How long can customs keep my parcel?
? How much time does a check take?
@ form | =form {10-900}; a blue slip; two copies of the invoice; a copy of the passport; the tax number | | the paper that is needed
+ Attach {v} to the outside.
+ The sender has to add {v}.
? What has to be added by the sender?
? Which paper do I attach?
? What must be on the outside?
@ banned | =knives; plants; fresh meat; fireworks; seeds; batteries; medicine | | what may not be sent
+ It is not allowed to send {v}.
+ Sending {v} is forbidden.
? What may I not send?
? Which things are forbidden?
? What is not allowed in the parcel?
~ Rules differ from country to country.
~ The buyer pays the duty.
# ticket status
@ owner | name | =ticket {100-9999} | the owner of {s}
+ {s} is with {v}.
+ {v} works on {s}.
+ {s} was given to {v}.
? Who works on {s}?
? Who has {s}?
? Whom do I ask about {s}?
?s Which ticket does {v} work on?
@ prio | =low; normal; high; urgent; very low | =ticket {100-9999} | the priority of {s}
+ The priority of {s} is {v}.
+ {s} is marked as {v}.
? What priority does {s} have?
? How urgent is {s}?
? How is {s} marked?
@ wait | days | =ticket {100-9999} | the waiting time of {s}
+ {s} has been open for {v}.
+ For {v} now, nobody has answered {s}.
? How long has {s} been open?
? For how long has {s} been waiting?
? How old is {s}?
@ about | =a broken lid; a wrong bill; a lost parcel; a login problem; a rude driver; a missing key; an address change | =ticket {100-9999} | the subject of {s}
+ {s} is about {v}.
+ In {s} the customer writes about {v}.
? What is {s} about?
? What is the subject of {s}?
? Why did the customer open {s}?
?s Which ticket is about {v}?
@ next | =call the customer; wait for the warehouse; send a label; close it; ask the boss; check the stock | =ticket {100-9999} | the next step for {s}
+ The next step for {s}: {v}.
+ For {s} we have to {v}.
? What is the next step for {s}?
? What do we have to do for {s}?
? What happens next with {s}?
~ All times are local.
~ Please do not open a second ticket.
# branches
@ manager | name | city | the manager in {s}
+ Our store in {s} is run by {v}.
+ {v} manages the branch in {s}.
+ In {s} the manager is {v}.
? Who runs the store in {s}?
? Who is the manager in {s}?
? What is the name of the boss in {s}?
?s Which branch does {v} manage?
@ street | address | city | the address in {s}
+ In {s} you find us at {v}.
+ The {s} branch is at {v}.
+ {s}: {v}.
? Where is the branch in {s}?
? What is your address in {s}?
? Where can I find you in {s}?
?s In which city are you at {v}?
@ opened | year | city | the opening year in {s}
+ The branch in {s} opened in {v}.
+ We have been in {s} since {v}.
? When did the branch in {s} open?
? Since when are you in {s}?
? In which year did you come to {s}?
@ staff | count | city | the number of people in {s}
+ {v} people work in {s}.
+ The team in {s} has {v} members.
? How many people work in {s}?
? How big is the team in {s}?
@ offers | =repairs; a tailor; gift wrapping; a cafe; free parking; a play corner; bike hire; used goods | city | what {s} offers
+ Only {s} offers {v}.
+ In {s} there is also {v}.
? What does the branch in {s} offer?
? What else is there in {s}?
?s Where do you have {v}?
~ All branches take back online orders.
~ Every branch has a lift.
# company history | company
@ founded | year | | the year of the founding
+ {e} was founded in {v}.
+ The history of {e} began in {v}.
? When was {e} founded?
? In which year did {e} begin?
? Since when does {e} exist?
@ founder | name | | the founder
+ The founder of {e} was {v}.
+ {v} started {e} with borrowed money.
? Who founded {e}?
? Who started {e}?
? What is the name of the founder?
@ seat | city | | the head office
+ The head office is in {v}.
+ {e} is based in {v}.
? Where is {e} based?
? Where is the head office?
? In which city is the company?
@ staff | many | | the number of employees
+ Today {v} people work for {e}.
+ {e} employs {v} people.
? How many people work for {e}?
? How many employees are there?
? What is the size of the staff?
@ chief | name | | the chief executive
+ {v} has been the chief for some years.
+ The company is led by {v}.
? Who leads the company?
? Who is the chief of {e}?
? Who is the boss today?
@ first | =umbrellas; soap; candles; nails; hats; buttons; cigars; paper; rope; jam | | the first product
+ At first the company made {v}.
+ The first thing it sold was {v}.
? What did {e} make at first?
? What was the first product?
? What was sold in the early days?
@ sales | =two million euros; {2-90} million dollars; {3-40} million pounds; half a million euros | | the sales
+ Last year sales reached {v}.
+ It earned {v} last year.
? How much did {e} earn last year?
? What were the sales?
? How large was the turnover?
~ The family still owns a part of it.
~ Two fires could not stop the firm.
# animal facts | =the river marten; the red swallow; the hill toad; the sand cat; the grey dolphin; the snow beetle; the marsh owl; the tree crab
@ eats | =small fish; berries; insects; grass; snails; seeds; worms; leaves; frogs | | the food of {e}
+ {e} eats {v}.
+ It lives on {v}.
+ The diet consists of {v}.
? What does {e} eat?
? What does it live on?
? What is the food of {e}?
@ lives | =swamps; old trees; caves; cold lakes; dry hills; meadows; rivers; gardens | | where it lives
+ {e} lives in {v}.
+ You find it in {v}.
? Where does {e} live?
? Where can it be found?
? What is the home of {e}?
@ long | length | | the length of {e}
+ It grows up to {v} long.
+ {e} reaches {v}.
? How long does {e} get?
? What length does it reach?
? How big is {e}?
@ age | =two years; ten years; {3-70} years; six months; {20-90} weeks | | how old it gets
+ It can live for {v}.
+ {e} gets {v} old.
? How old does {e} get?
? How long does it live?
? What age can {e} reach?
@ young | count | | the number of young
+ A mother has {v} young at a time.
+ There are {v} young in a nest.
? How many young does it have?
? How many babies are born at a time?
@ sleeps | =in winter; all day; for {3-15} hours; at noon; only at night; in the rain | | when it sleeps
+ {e} sleeps {v}.
+ It rests {v}.
? When does {e} sleep?
? When does it rest?
@ enemy | =foxes; eagles; snakes; cats; large fish; crows; people | | the enemy
+ Its main enemies are {v}.
+ It has to fear {v}.
? What are its enemies?
? What must {e} fear?
? Who hunts it?
~ It is rarely seen.
~ Its call is soft.
~ Children like to draw it.
# school timetable
@ day | weekday | maths, music, art, history, biology, sport, French, chemistry | the day of {s}
+ {s} is on {v}.
+ We have {s} on {v}.
+ On {v} there is {s}.
? When is {s}?
? On which day do we have {s}?
? What day is {s} on?
?s What do we have on {v}?
@ teacher | name | maths, music, art, history, biology, sport, French, chemistry | the teacher of {s}
+ {v} teaches {s}.
+ The teacher of {s} is {v}.
+ {s} is given by {v}.
? Who teaches {s}?
? Who is the {s} teacher?
? Who gives {s}?
?s What does {v} teach?
?s Which subject is taught by {v}?
@ room | =room {1-40}; the hall; the lab; the cellar; the music room; the gym | maths, music, art, history, biology, sport, French, chemistry | the room of {s}
+ {s} takes place in {v}.
+ Go to {v} for {s}.
? Where is {s}?
? In which room is {s}?
? Where do I go for {s}?
@ test | date | maths, history, biology, French, chemistry | the date of the {s} test
+ The {s} test is on {v}.
+ On {v} there is a test in {s}.
? When is the {s} test?
? On which date is the test in {s}?
@ book | =page {2-300}; chapter {2-30}; the red book; the first poem; exercise {2-40}; the map | maths, history, biology, French, chemistry | the homework for {s}
+ Homework for {s}: {v}.
+ For {s}, look at {v}.
? What is the homework for {s}?
? What do I have to do for {s}?
~ The bell rings five minutes before.
~ Bikes stay behind the gym.
# restaurant
@ price | money | soup, salad, pizza, fish, steak, pasta, curry, burger, cake, ice cream | the price of the {s}
+ The {s} is {v}.
+ For the {s} we ask {v}.
+ {s}: {v}.
? How much is the {s}?
? What does the {s} cost?
? What do you ask for the {s}?
?s What can I eat for {v}?
@ with | =rice; bread; cheese; nuts; lemon; mushrooms; beans; honey; mint; garlic | soup, salad, pizza, fish, steak, pasta, curry, burger | what the {s} comes with
+ The {s} comes with {v}.
+ We serve the {s} with {v}.
? What comes with the {s}?
? What is the {s} served with?
? what do i get with the {s}
?s What is served with {v}?
@ seats | count | garden, cellar, hall, balcony, window corner, bar | the seats in the {s}
+ The {s} has {v} seats.
+ {v} guests can sit in the {s}.
? How many seats are in the {s}?
? How many guests fit into the {s}?
@ kitchen | time | | the closing time of the kitchen
+ The kitchen closes at {v}.
+ Warm food is served until {v}.
? Until when can I get warm food?
? When does the kitchen close?
? What is the latest time to order food?
@ cook | name | | the cook
+ The cook is {v}.
+ {v} stands at the stove.
? Who is the cook?
? Who cooks?
? Who makes the food?
@ book | phone | | the number for tables
+ Tables can be booked on {v}.
+ To reserve, call {v}.
? Which number do I call for a table?
? How can I reserve, what is the number?
@ held | minutes | | how long a table is held
+ A table stays yours for {v} if you are late.
+ Tables are held for {v} only.
? For how long is my table kept?
~ Children may paint on the paper.
~ The wine list changes often.
# data rules
@ keep | period | chat logs, invoices, call recordings, photos, addresses, job applications, cookies, login records | how long {s} are kept
+ {s} are kept for {v}.
+ We store {s} for {v}.
+ After {v} we delete {s}.
? How long do you keep {s}?
? When are {s} deleted?
? For what time do you store {s}?
?s What do you delete after {v}?
@ who | =the billing team; two people; the legal team; nobody outside; our auditors; the help desk; the founder | chat logs, invoices, call recordings, photos, addresses, login records | who can see {s}
+ {s} can be seen by {v}.
+ Access to {s} is given to {v}.
? Who can see {s}?
? Who has access to {s}?
? Who reads {s}?
@ where | country | backups, chat logs, invoices, photos, mails | where {s} are stored
+ {s} are stored in {v}.
+ The servers with {s} stand in {v}.
? Where are {s} stored?
? In which country are {s}?
? Where do you keep {s}?
@ officer | name | | the data officer
+ Our data officer is {v}.
+ {v} looks after data protection here.
? Who is the data officer?
? Who is responsible for data protection?
? Whom can I ask about my data?
@ reply | days | | the time for a data request
+ A request for your data is answered in {v}.
+ You get a copy of your data within {v}.
? How long does a data request take?
? When do I get a copy of my data?
~ We never sell data.
~ You may object at any time.
# course offer
@ length | =six weeks; ten evenings; {2-20} days; {3-12} months; a weekend; one term; {2-12} lessons | pottery, first aid, Spanish, cooking, photography, sewing, dancing, coding | the length of the {s} course
+ The {s} course lasts {v}.
+ {s} takes {v}.
? How long is the {s} course?
? How long does {s} take?
? What is the length of the {s} course?
?s Which course lasts {v}?
@ price | money | pottery, first aid, Spanish, cooking, photography, sewing, dancing, coding | the price of the {s} course
+ The {s} course costs {v}.
+ For {s} you pay {v}.
? How much is the {s} course?
? What does {s} cost?
? What is the fee for {s}?
@ teacher | name | pottery, first aid, Spanish, cooking, photography, sewing, dancing, coding | the teacher of {s}
+ {s} is taught by {v}.
+ {v} gives the {s} course.
? Who teaches {s}?
? Who gives the {s} course?
? With whom do I learn {s}?
?s Which course does {v} give?
@ starts | date | pottery, first aid, Spanish, cooking, photography, sewing, dancing, coding | the start of {s}
+ {s} starts on {v}.
+ The first {s} evening is {v}.
? When does {s} start?
? On what date is the first {s} evening?
? when is the start of {s}
@ places | count | | the number of places
+ Each course has {v} places.
+ No more than {v} people can join a course.
? How many people can join?
? How many places does a course have?
@ need | =an apron; a notebook; comfortable shoes; a laptop; old clothes; scissors; a towel | pottery, cooking, photography, sewing, dancing, coding | what to bring for {s}
+ For {s}, bring {v}.
+ {s} students need {v}.
? What do I need for {s}?
? What should I bring for {s}?
~ A place is yours once it is paid.
~ There is tea in the break.
# energy tariff
@ price | =two cents; {11-60} cents; {3-9} pence; {12-50} pence; {15-48} cents | day tariff, night tariff, green tariff, family tariff, summer tariff, heat tariff | the price in the {s}
+ In the {s} a kilowatt hour costs {v}.
+ The {s} charges {v} per unit.
? What does a unit cost in the {s}?
? How much is a kilowatt hour in the {s}?
? What is the price in the {s}?
?s In which tariff does a unit cost {v}?
@ bound | period | day tariff, night tariff, green tariff, family tariff, summer tariff, heat tariff | the contract time of the {s}
+ The {s} binds you for {v}.
+ A contract for the {s} runs for {v}.
? How long am I bound by the {s}?
? How long does a {s} contract run?
? What is the contract time of the {s}?
@ bonus | money | | the bonus
+ New customers get a bonus of {v}.
+ We give you {v} for changing to us.
? How high is the bonus?
? What do I get for changing to you?
? How much do new customers receive?
@ read | month | | the month of the reading
+ Meters are read in {v}.
+ Please send us your reading every {v}.
? When are meters read?
? In which month do I send the reading?
@ moving | days | | the notice when moving
+ When you move, tell us {v} ahead.
+ A move has to be reported {v} before.
? How early must I report a move?
? How long before moving do I tell you?
@ outage | phone | | the number for power cuts
+ In a power cut, call {v}.
+ Outages are reported on {v}.
? Which number is for power cuts?
? Whom do I call when the light goes out?
~ The network fee is part of the price.
~ You can see your use in the app.
# car workshop
@ price | money | oil change, tyre change, brake check, new battery, inspection, paint repair, wash, new lamp | the price of the {s}
+ The {s} costs {v}.
+ We do the {s} for {v}.
+ {s}: {v}.
? How much is the {s}?
? What do you charge for the {s}?
? What would I pay for the {s}?
?s What do you do for {v}?
@ time | minutes | oil change, tyre change, brake check, inspection, paint repair, wash | the time for the {s}
+ The {s} takes {v}.
+ Plan {v} for the {s}.
? How long does the {s} take?
? How much time do you need for the {s}?
? How long is my car away for the {s}?
?s What takes {v}?
@ who | first | oil change, tyre change, brake check, inspection, paint repair, wash | the person for the {s}
+ {v} does the {s}.
+ For the {s}, ask for {v}.
? Who does the {s}?
? Whom do I ask for the {s}?
?s What does {v} do?
@ every | =every year; every {5-30} thousand kilometres; twice a year; every two years; each spring; every six months | oil change, tyre change, brake check, inspection | how often the {s} is due
+ The {s} is due {v}.
+ We advise the {s} {v}.
? How often is the {s} due?
? When is the {s} needed?
? how often should i have the {s}
@ loan | money | | the price of a loan car
+ A loan car is {v} a day.
+ You can have another car for {v} per day.
? How much is a loan car?
? What does another car cost meanwhile?
@ keys | =a box at the gate; the bakery next door; the night desk; the guard; the letter slot | | where to leave the keys
+ After closing, leave the keys at {v}.
+ Keys can be left at {v}.
? Where can I leave the keys?
? Where do the keys go after closing?
~ Winter tyres can be stored with us.
~ Cash is fine, cards too.
# island facts | =Tarnholm; Little Osk; Berrow; Sandray; Vell Island; Moorsey; Karn; Pilgrim Rock
@ people | many | | the number of people on {e}
+ {v} people live on {e}.
+ {e} is home to {v} people.
? How many people live on {e}?
? How many islanders are there?
? What is the population of {e}?
@ far | distance | | the distance from the coast
+ It lies {v} from the coast.
+ The mainland is {v} away.
? How far is {e} from the coast?
? What is the distance to the mainland?
? How far away is the mainland?
@ ferry | minutes | | the length of the crossing
+ The boat needs {v} to get there.
+ The crossing to {e} takes {v}.
? How long is the crossing?
? How long does the boat need to {e}?
@ highest | length | | the highest hill
+ The highest hill of {e} measures {v}.
+ Its top is {v} above the sea.
? How high is the top of {e}?
? What does the highest hill measure?
@ found | name | | the first person on the island
+ {v} was the first to land on {e}.
+ {e} was discovered by {v}.
? Who discovered {e}?
? Who was the first to land there?
@ when | year | | the year of the discovery
+ Sailors first saw it in {v}.
+ {e} appears on maps since {v}.
? Since when is {e} on maps?
? When did sailors first see it?
@ export | =wool; whisky; salt; dried fish; honey; stone; lace; butter | | what it sells
+ The islanders sell {v}.
+ {e} is known for its {v}.
? What do the islanders sell?
? What comes from {e}?
? What is {e} known for?
@ birds | =puffins; terns; gulls; geese; swans; plovers | | the birds
+ In spring {v} nest on the cliffs.
+ The cliffs are full of {v}.
? Which birds nest there?
? What birds are on the cliffs?
~ There are no cars.
~ The wind never rests.
# book and film | =The Glass Orchard; A Quiet Harbour; Nine Lanterns; The Last Tram; Salt and Rope; The Paper Bridge; Winter Bees
@ author | name | | the author
+ {e} was written by {v}.
+ {v} is the author of {e}.
? Who wrote {e}?
? Who is the author?
? By whom is {e}?
@ year | year | | the year it came out
+ It came out in {v}.
+ {e} was published in {v}.
? When did {e} come out?
? In which year was it published?
? How old is the book, when was it published?
@ pages | =112 pages; {90-900} pages; {2-9} hundred pages | | the number of pages
+ It has {v}.
+ The book runs to {v}.
? How many pages does it have?
? How thick is the book?
@ hero | first | | the main character
+ The story is about a girl named {v}.
+ The hero is called {v}.
? Who is the hero?
? What is the main character called?
? Whom is the story about?
@ plays | city | | where it plays
+ The story plays in {v}.
+ It is set in {v}.
? Where does the story play?
? Where is it set?
? In which city does it happen?
@ sold | many | | the number of copies
+ In the first year {v} copies were sold.
+ So far {v} people have bought it.
? How many copies were sold?
? How many people bought it?
@ film | name | | the director of the film
+ {v} made a film of it.
+ The film was directed by {v}.
? Who directed the film?
? Who made the film?
@ ends | =at sea; in a storm; with a wedding; on a train; with a letter; in the snow | | the end
+ It ends {v}.
+ The last scene is {v}.
? How does it end?
? What happens in the end?
~ Critics did not agree about it.
~ It is read in many schools.
# app needs | device
@ system | =version {2-15}; version {1-9}.{1-9}; version {4-19} or newer | phones, tablets, laptops, watches, televisions | the system version on {s}
+ On {s} the app needs {v}.
+ {s} must run {v}.
? Which version do I need on {s}?
? What system must {s} have?
? What does the app need on {s}?
@ space | size | phones, tablets, laptops, watches | the space on {s}
+ It takes {v} on {s}.
+ On {s}, keep {v} free.
? How much space does it take on {s}?
? How much room must be free on {s}?
@ update | weekday | | the day of updates
+ Updates come every {v}.
+ A new version is published on {v}.
? When do updates come?
? On which day is a new version published?
@ devices | count | | the number of devices
+ You can use it on {v} devices at once.
+ One account covers {v} devices.
? On how many devices can I use it?
? How many devices does an account cover?
@ offline | days | | the time without internet
+ It works without internet for {v}.
+ You can be offline for {v}.
? How long can I use it offline?
? For how long does it work without internet?
@ upload | size | photos, videos, documents, recordings | the limit for {s}
+ {s} may be {v} large.
+ The limit for {s} is {v}.
? How large may {s} be?
? What is the limit for {s}?
? What size of {s} is accepted?
@ language | =Welsh; Danish; Swahili; Polish; Thai; Greek; Turkish; Basque | | the new language
+ The newest language is {v}.
+ It was lately translated into {v}.
? Which language is new?
? Into which language was it lately translated?
~ The app is free of ads.
~ A dark look can be switched on.
# weather notes
@ high | temperature | city | the highest temperature in {s}
+ {s} had {v} at noon.
+ The highest value in {s} was {v}.
+ It was {v} in {s}.
? How warm was it in {s}?
? What was the temperature in {s}?
? How many degrees did {s} have?
?s Which city had {v}?
@ rain | =two litres; {3-60} litres; {3-90} millimetres; no rain at all; a few drops | city | the rain in {s}
+ In {s} there fell {v}.
+ {s} got {v}.
? How much rain fell in {s}?
? What rain did {s} get?
@ wind | =30 km/h; {20-140} km/h; {10-90} miles per hour; almost no wind; a light breeze | city | the wind in {s}
+ For {s} they measured {v}.
+ Near {s} there was wind of {v}.
? How strong was the wind in {s}?
? What wind was measured in {s}?
@ sunset | time | city | the sunset in {s}
+ In {s} the sun sets at {v}.
+ Sunset in {s} is at {v}.
? When does the sun set in {s}?
? At what time is sunset in {s}?
? When does it get dark in {s}?
@ snow | length | city | the snow in {s}
+ In {s} lies {v} of snow.
+ {s} reports {v} of new snow.
? How much snow lies in {s}?
? How deep is the snow in {s}?
@ until | weekday | | the end of the storm
+ The storm lasts until {v}.
+ It calms down on {v}.
? Until when does the storm last?
? When does it calm down?
~ The forecast is uncertain.
~ Drivers should take care.
"""
