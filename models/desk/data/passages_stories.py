"""Whole passages of `answer` for training: sentences that hang together, several facts in one of them.

    # topic
    + a passage with slots {key:kind}
    ? key | a question whose answer is that slot
"""

TEXT = """
# late parcels
+ If your parcel is more than {late:days} late, please contact us at {mail:email}. We will then ask {who:carrier} to search for it, which can take up to {search:days}. If it cannot be found, you get a new one or {back:=the full price; half of the price; a voucher; your money} back.
+ Parcels sometimes get lost. A search by {who:carrier} is started when nothing has moved for {late:days}, and its result is known after {search:days}. Lost parcels are paid up to {max:money}.
+ Sorry that your order is late! Because of {cause:=a storm; a strike; snow; a broken sorting machine; the holidays; road works}, parcels now need {search:days} longer than usual. You may cancel free of charge until {cancel:date}, or write to {mail:email}.
+ Our partner {who:carrier} reports delays because of {cause:=heavy rain; sick drivers; a fire; a strike at the airport; missing papers}. Customers in {city:city} are hit most. All parcels should be there by {cancel2:date}.
? late | After how much delay should I contact you?
? late | How late must a parcel be before you search for it?
? late | When do you start looking for a lost parcel?
? mail | Where do I write about a late parcel?
? mail | Which email address can I use?
? who | Who searches for the parcel?
? who | Which company carries the parcels?
? search | How long does the search take?
? search | How much time is needed?
? max | Up to what amount are lost parcels paid?
? max | How much do I get at most if it is lost?
? cause | Why are parcels late?
? cause | What is the reason for the delay?
? cause | What caused the delays?
? cancel | Until when can I cancel free of charge?
? cancel | By which date may I cancel?
? city | Where are customers hit most?
? city | Which city has the worst delays?
? back | What do I get back when it is not found?
? back | What will you give me if it stays lost?
? cancel2 | By when should all parcels have arrived?
# account help
+ To reset your password, click the link on the login page and type in your email. The link in our mail works for {valid:minutes}. After {tries:count} wrong attempts the account is locked for {lock:minutes}.
+ Passwords need at least {chars:=eight; ten; twelve; nine; 14; 16} characters and one {sign:=digit; capital letter; special sign; number; symbol}. For your safety the account locks itself after {tries:count} failed logins, and only {who:=an administrator; our support; the team leader; the owner of the account} can open it again.
+ You are signed out after {idle:minutes} without activity. A sign-in from a new device must be confirmed with a code sent by {way:=text message; email; the app; phone call; letter}. The code is valid for {valid2:minutes}.
+ Deleted accounts are kept for {keep:days} and can be restored by {who:=our support; the owner; an administrator} during this time. After that, all files are gone. Invoices have to be kept for {tax:period} by law.
? valid | How long does the link work?
? valid | When does the reset link expire?
? tries | How many wrong attempts can I make?
? tries | After how many failures is the account locked?
? tries | How often may I type a wrong password?
? lock | For how long is the account locked?
? lock | How long do I have to wait when I am locked out?
? chars | How long must the password be?
? chars | What is the minimum number of characters?
? sign | What must a password contain?
? sign | What does the password need besides its length?
? who | Who can help me get the account back?
? who | Who can open or restore the account?
? idle | When am I signed out by itself?
? idle | How long can I be inactive before I am logged out?
? way | How is the code sent?
? way | By what means do I get the code?
? valid2 | How long is the code valid?
? valid2 | When does the code run out?
? keep | How long are deleted accounts kept?
? keep | How much time do I have to restore my account?
? tax | How long are invoices kept?
? tax | For what time must bills be stored?
# call reports
+ {who:name} called on {day:weekday} about a {item:product} that came without {part:=a plug; its lid; screws; the manual; a strap}. We promised a spare part within {time:days}. The case is handled by {agent:name}.
+ The customer, {who:name} from {city:city}, bought a {item:product} for {price:money} and wants to give it back. {agent:name} offered a discount of {off:percent}, which was refused.
+ On {day:weekday}, {agent:name} wrote to {who:name} that the {item:product} is sold out until {until:date}. The customer will wait. A voucher of {price2:money} was added as a sorry.
+ Ticket closed by {agent:name}. The {item:product} of {who:name} was repaired in {city:city}, the cause was {part2:=a loose wire; dust; a worn belt; a bad battery; old software; a broken switch}. The bill of {price:money} was sent by mail.
? who | Who is the customer?
? who | What is the name of the customer?
? who | Which customer is this about?
? agent | Who handles the case for us?
? agent | Which agent dealt with it?
? agent | Who from our side took care of this?
? day | On which day did it happen?
? day | What day of the week was it?
? item | Which product is it about?
? item | What did the customer buy?
? part | What was missing?
? part | What did it come without?
? time | How soon will the spare part be there?
? time | How long does the spare part take?
? city | Which city is mentioned?
? city | In what town was it?
? price | How much did it cost?
? price | What was the sum?
? off | How big was the discount?
? off | What discount was offered?
? until | Until when is it sold out?
? until | When will it be in stock again?
? price2 | How high was the voucher?
? price2 | What was the voucher worth?
? part2 | What was the cause of the fault?
? part2 | Why did it not work?
# travel rules
+ Each traveller may take one bag of up to {cabin:weight} into the cabin and one suitcase of {hold:weight} into the hold. Another suitcase costs {extra:money}. Please be at the gate {early:minutes} before departure.
+ The train from {start:city} to {goal:city} takes {dur:minutes}. Seats can be booked for {seat:money}, and bikes travel for {bike:money}. The train leaves from platform {plat:=1; 2; 3; 4; 5; 6; 7; 8; 9; 11; 12; 14}.
+ Tickets can be changed until {early2:minutes} before departure for a fee of {change:money}. If the trip is cancelled by us, you get {refund:percent} of the price back within {pay:days}. Children under {age:=two; four; five; six; 12; 14} travel free.
+ The ferry to {goal:city} sails every {weekday:weekday}. It has room for {cars:count} cars, and the crossing takes {dur:minutes}. Check-in closes {early:minutes} before we sail.
? cabin | How heavy can my cabin bag be?
? cabin | What may the hand luggage weigh?
? hold | How heavy may the suitcase be?
? hold | What is the limit for luggage in the hold?
? extra | What does a second suitcase cost?
? extra | How much do I pay for one more suitcase?
? early | How early do I have to be there?
? early | How long before departure must I arrive?
? start | Where does the train come from?
? start | In which city does the trip begin?
? goal | Where does it go?
? goal | What is the destination?
? dur | How long does the trip take?
? dur | How much time will I spend on board?
? seat | How much is a seat reservation?
? bike | What does it cost to bring a bike?
? plat | Which platform does it leave from?
? plat | At which platform do I get on?
? early2 | Until when can I change my ticket?
? change | What is the fee for a change?
? change | How much does it cost to change a ticket?
? refund | How much of the price do I get back?
? refund | What part of the price is returned after a cancelled trip?
? pay | When do I get the money back?
? age | Up to what age do children travel free?
? age | Under which age is the ride free?
? weekday | On which day does the ferry sail?
? cars | How many cars fit on the ferry?
? cars | What number of cars can be carried?
# inventor notes
+ {who:name} built the first {thing:=folding boat; steam clock; singing kettle; paper lamp; snow bicycle; glass drum; wind organ} in {year:year}, in a small shed in {city:city}. It weighed {weight:weight} and broke after {after:minutes}. Only {sold:count} of them were ever sold.
+ In {year:year} a letter from {friend:name} reached {who:name}. It asked for a {thing:=water clock; flying kite; music box; stone mill; sail car; bread oven} that would run for {after:minutes}. The work took {took:period} and cost {cost:money}.
+ The workshop of {who:name} stood in {city:city} until it burned down in {fire:year}. Nobody was hurt. {friend:name}, a neighbour, saved {saved:=the drawings; two boxes; an old clock; the cat; the letters; the tools}.
+ Few people know {who:name}, yet the {thing:=rain meter; shoe press; salt lamp; rope lift; ice saw} in our museum is from this hand. It was found in {fire2:year} in a cellar in {city:city}, below {below:=a pile of coal; old sacks; a broken bed; wine barrels}.
? who | Who is the text about?
? who | Who was the inventor?
? who | Who made the thing?
? thing | What was invented?
? thing | What was built?
? thing | Which object is mentioned?
? year | In which year did it begin?
? year | When was the first work done?
? city | Where did it happen?
? city | In what city was it?
? city | Which city is named?
? weight | How heavy was it?
? weight | What did it weigh?
? after | How long did it run?
? sold | How many were sold?
? sold | What number was sold?
? friend | Who else is named in the story?
? friend | Which friend or neighbour is named?
? took | How long did the work take?
? took | How much time went into the work?
? cost | What did the work cost?
? cost | How much money was spent?
? fire | When did the workshop burn down?
? fire | In which year was the fire?
? saved | What was saved from the fire?
? saved | What did the neighbour rescue?
? fire2 | When was it found?
? fire2 | In what year did people find it?
? below | What was it found under?
? below | Under what did it lie?
# match report
+ {win:city} beat {lose:city} by {score:={1-6} goals to none; {2-6} to 1; {3-9} to 2} on {day:weekday}. {star:name} scored the first goal after {min:minutes}. About {crowd:many} people watched in the rain.
+ The game between {win:city} and {lose:city} ended early because of {why:=fog; a broken light; heavy rain; a flooded pitch; a power cut}. Until then {star:name} had been the best player. It will be played again on {again:date}.
+ With a new trainer, {coach:name}, the team of {win:city} won for the first time in {drought:period}. {star:name} left the field hurt and will be out for {out:days}.
+ Tickets for the final in {place:city} are sold from {again2:date}. They cost {price:money}. {coach:name}, who trains the home side, expects {crowd:many} fans.
? win | Which team won?
? win | Who won the game?
? lose | Which team lost?
? lose | Who was beaten?
? score | What was the score?
? score | How did the match end?
? day | When was the game?
? day | On which weekday did they play?
? star | Which player is named?
? star | Who was the most important player?
? min | When was the first goal scored?
? min | After how much time did the first goal come?
? crowd | How many people came or are expected?
? crowd | How large is the crowd?
? why | Why did the game end early?
? why | What stopped the game?
? again | When will the game be repeated?
? again | On what date is it played again?
? coach | Who is the trainer?
? coach | What is the coach called?
? drought | For how long had they not won?
? drought | How long did they wait for a win?
? out | How long will the hurt player be missing?
? out | For how long is the player out?
? place | Where is the final played?
? place | In which city is the final?
? again2 | When does the ticket sale start?
? price | What does a ticket cost?
? price | How much are the tickets?
# health leaflet
+ Take {dose:=one tablet; two tablets; half a tablet; ten drops; five drops; one spoon} {when:=after meals; before breakfast; in the evening; with water; at noon} for {course:days}. Children under {age:=two; six; ten; twelve; 14} should not use it. Store it below {temp:temperature}.
+ The most common side effect is {side:=a dry mouth; a headache; tiredness; mild itching; hiccups}, seen in {share:percent} of people. It goes away after {gone:minutes}. Call {tel:phone} if it does not.
+ Wash your hands for {wash:=20 seconds; 30 seconds; half a minute; one minute}, then put {dose:=a thin layer; two drops; a little cream; one patch} on the skin. Leave it for {gone2:minutes}. Do not use it near {avoid:=the eyes; the mouth; open wounds; fire; the nose}.
+ The clinic gives the shot to everybody over {age2:=50; 60; 65; 70; 55}. It protects for {protect:period} and hurts little. The next free day is {day:date}, in {room:=room {1-40}; the left wing; the old building; the tent}.
? dose | How much should I take or use?
? dose | What is the dose?
? when | When should I take it?
? when | At what time of day is it taken?
? course | For how long do I take it?
? course | How many days does the treatment last?
? age | At what age can children use it?
? age | Under what age should it not be used?
? temp | How cold must it be stored?
? temp | What is the highest storage temperature?
? side | What is the most common side effect?
? side | Which side effect may I notice?
? share | How many people get the side effect?
? share | How common is the side effect?
? gone | When does the side effect go away?
? tel | Which number do I call?
? tel | Whom do I phone if it does not stop, what is the number?
? wash | How long should I wash my hands?
? gone2 | How long do I leave it on the skin?
? avoid | Where should it not be used?
? avoid | What should it be kept away from?
? age2 | From which age do people get the shot?
? age2 | How old must I be for the shot?
? protect | How long does the shot protect?
? day | When is the next free day?
? day | On what date can I come?
? room | Where is it given?
? room | Where do I go for the shot?
# meeting minutes
+ The meeting was opened by {chair:name} at {time:time}. {n:count} people were there. It was agreed to buy a new {item:product} for the kitchen, at {cost:money} at most.
+ {chair:name} asked for more time for the {proj:=web page; move; new shop; survey; catalogue; summer party}. The new date is {date:date}. {writer:name} will write the report and send it to {mail:email}.
+ The budget for the {proj:=garden; office party; new labels; old van; training; fair} was raised by {pct:percent}. {voter:name} voted against it, because {why:=money is short; the plan is unclear; it comes too late; nobody asked the staff}. The next meeting is on {day:weekday} at {time:time}.
+ Sales in {city:city} fell by {pct:percent}, {speaker:name} said. A visit to the shop is planned for {date:date}. {chair:name} thanked everybody and closed the meeting after {len:minutes}.
? chair | Who led the meeting?
? chair | Who was in the chair?
? time | At what time is the meeting?
? time | When does the meeting start?
? n | How many people were present?
? n | How many took part?
? item | What will be bought?
? item | What do they want to buy for the kitchen?
? cost | How much may it cost?
? cost | What is the most they will spend?
? proj | What project is it about?
? date | What is the new or planned date?
? date | For which date is it planned?
? writer | Who writes the report?
? writer | Who has to send the report?
? voter | Who voted against the budget?
? voter | Who was against it?
? speaker | Who spoke about the sales?
? speaker | Who said that sales fell?
? mail | Where is the report sent?
? mail | To which address does the report go?
? pct | By how much did it change?
? pct | What is the percentage?
? why | Why was there a vote against it?
? why | What was the reason for the no?
? day | On which day is the next meeting?
? day | When do they meet again?
? city | Where did sales fall?
? city | Which town has falling sales?
? len | How long was the meeting?
? len | After what time was it closed?
# lost pet
+ Our cat {pet:=Momo; Pixel; Biscuit; Shadow; Tiger; Minka; Pepper} has been gone since {day:weekday}. She is {col:colour} and wears a {collar:colour} collar. Please call {owner:name} on {tel:phone}, the reward is {pay:money}.
+ Found: a {col:colour} dog near {place:=the station; the pond; the school; the bakery; the old bridge}. He is about {age:=two; three; five; seven; nine} years old and answers to {pet:=Rex; Bruno; Kiwi; Oskar; Lucky}. He is now with {owner:name}.
+ {owner:name} is looking for a parrot called {pet:=Coco; Rico; Lola; Mango; Zazu}. It flew off at {time:time} and was last seen on {place:=a church roof; the town hall; a lamp post; an oak; a balcony}. It can say {say:=good morning; its name; three words; a rude word}.
? pet | What is the name of the pet?
? pet | What is the animal called?
? day | Since when is the cat gone?
? day | On which day did the cat run away?
? col | What colour is the animal?
? col | Which colour does it have?
? collar | What colour is the collar?
? owner | Whom should I contact?
? owner | Who has or misses the animal?
? tel | Which number should I call?
? tel | What is the phone number of the owner?
? pay | How high is the reward?
? pay | How much will the finder get?
? place | Where was the animal seen?
? place | At what place was it last?
? age | How old is the dog?
? age | What age is the animal?
? time | At what time did it fly off?
? say | What can the parrot say?
# farm diary
+ We planted {n:count} rows of {crop:=beans; potatoes; barley; onions; pumpkins; peas; maize} in {month:month}. It rained for {rain:days}. {who:name} helped us with the {tool:=plough; tractor; fence; well; pump}.
+ The harvest brought {kilo:weight} of {crop:=apples; pears; carrots; cabbages; plums; wheat}, sold for {price:money} in {city:city}. A third of it was eaten by {pest:=birds; mice; snails; goats; deer}.
+ {who:name} bought {n:count} {animal:=sheep; goats; hens; geese; pigs; ducks} at the fair in {city:city}. They give {gives:=milk; wool; eggs; meat; nothing yet}. The barn is {size:length} long and was built in {year:year}.
? n | How many were there?
? n | What is the number?
? crop | What was grown?
? crop | Which crop is it about?
? month | When was it planted?
? month | In which month did they plant?
? rain | How long did it rain?
? rain | For how many days was there rain?
? who | Which person is named?
? tool | What did they get help with?
? kilo | How big was the harvest?
? kilo | How much was harvested?
? price | For how much was it sold?
? price | What did the sale bring?
? city | Which town is named?
? city | In which town is the market?
? pest | What ate a third of the harvest?
? pest | Which animals ate from the crop?
? animal | Which animals were bought?
? animal | What animals came from the fair?
? gives | What do the animals give?
? size | How long is the barn?
? year | When was the barn built?
? year | From what year is the barn?
"""
