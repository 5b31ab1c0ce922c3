"""Passages of `answer` for training: what shops and services tell their customers."""

TEXT = """
# delivery
@ time | days | standard delivery, express delivery, overnight delivery, economy delivery, international delivery, delivery to islands, pickup from a locker, freight delivery | the delivery time of {s}
+ {s} takes {v}.
+ With {s}, your parcel arrives within {v}.
+ Allow {v} for {s}.
+ Orders sent by {s} reach you in {v}.
+ {s} usually needs {v}.
? How long does {s} take?
? When will my parcel arrive with {s}?
? How many days should I wait for {s}?
? How fast is {s}?
? If I choose {s}, when do I get my things?
?s Which option takes {v}?
@ cost | money | standard shipping, express shipping, overnight shipping, shipping abroad, shipping of large items, same-day shipping | the cost of {s}
+ {s} costs {v}.
+ We charge {v} for {s}.
+ The price of {s} is {v}.
+ For {s} you pay {v}.
? How much is {s}?
? What do I pay for {s}?
? What does {s} cost?
? Is there a fee for {s}, and how much?
?s What can I get for {v}?
@ free | money | | the order value for free shipping
+ Orders over {v} ship free of charge.
+ Shipping is free from {v}.
+ You pay no postage when you spend more than {v}.
? From which amount is shipping free?
? How much must I spend to get free postage?
? What is the minimum for free shipping?
? When do I not have to pay for postage?
@ cutoff | time | | the cut-off time for same-day dispatch
+ Orders placed before {v} leave the warehouse the same day.
+ If you order by {v}, we dispatch today.
+ The daily dispatch closes at {v}.
? Until when do I have to order so that it ships today?
? What is the latest time to order for dispatch on the same day?
? By what time must my order be in?
@ carrier | carrier | | the carrier
+ Parcels are carried by {v}.
+ We ship with {v}.
+ {v} brings our parcels to your door.
? Who delivers the parcels?
? Which courier do you use?
? What company brings my order?
@ tries | count | | the number of delivery attempts
+ The driver tries to deliver {v} times.
+ There are {v} delivery attempts.
+ We attempt delivery {v} times before the parcel goes back.
? How many times will the driver come?
? How often do you try to deliver?
? How many attempts are made?
~ We ship on weekdays only.
~ You can follow the parcel with the link in our mail.
~ Express delivery can be chosen at checkout.
~ Delivery times are not guaranteed before holidays.
# returns
@ window | days | clothes, electronics, books, furniture, shoes, food, gift cards, sale items, cosmetics, toys | the return period for {s}
+ {s} can be returned within {v}.
+ The return period for {s} is {v}.
+ You may send back {s} for up to {v}.
+ We take back {s} within {v} of delivery.
? How long can I return {s}?
? How much time do I have to send back {s}?
? Until when are returns of {s} accepted?
? What is the deadline for giving {s} back?
?s What can be sent back within {v}?
@ label fee | money | | the price of a return label
+ A return label costs {v}.
+ We deduct {v} for the return label.
+ Sending things back costs you {v}.
? What does it cost to return something?
? How much do you deduct for a return label?
? Do I have to pay for sending it back, and how much?
@ refund time | days | credit cards, bank transfer, vouchers, cash payments, wallets | the refund time for {s}
+ Refunds to {s} take {v}.
+ Money paid by {s} is back after {v}.
+ For {s}, we refund within {v}.
? How long does a refund to {s} take?
? When do I get my money back with {s}?
? After how much time is the refund done for {s}?
@ restocking | percent | | the restocking fee
+ A restocking fee of {v} applies to opened boxes.
+ For opened goods we keep {v} of the price.
+ Opened items are refunded less {v}.
? How high is the restocking fee?
? How much do you keep if the box was opened?
? What share of the price is lost for opened goods?
@ where | address | | the address for returns
+ Send returns to {v}.
+ Our returns office is at {v}.
+ Parcels that come back go to {v}.
? Where do I send the return?
? Which address should I put on the return parcel?
? Where does the parcel have to go back to?
@ exchange | count | | the number of free exchanges
+ You can exchange an item {v} times.
+ Up to {v} exchanges per order are free.
+ We swap sizes {v} times at no cost.
? How many times may I exchange something?
? How often can I swap an item?
? How many exchanges are free?
~ Returned goods should be clean and unused.
~ Please put the slip into the box.
~ We do not take back custom-made goods.
~ Gift cards cannot be turned into cash.
# opening hours
@ hours | hours | Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, public holidays | the opening hours on {s}
+ On {s} we are open from {v}.
+ {s}: {v}.
+ The shop opens {v} on {s}.
+ Our hours on {s} are {v}.
? When are you open on {s}?
? What are the hours on {s}?
? Which times can I come on {s}?
? from when to when is the store open on {s}
@ closed | weekday | | the closing day
+ We are closed every {v}.
+ {v} is our day off.
+ The store stays shut on {v}.
? On which day are you closed?
? Which day of the week is the store shut?
? When can I not come?
@ lunch | hours | | the lunch break
+ The counter pauses for lunch from {v}.
+ There is a lunch break from {v}.
? When is your lunch break?
? At what time is the counter closed for lunch?
? When do the staff eat?
@ phone hours | hours | | the hours of the phone line
+ The phone line is staffed from {v}.
+ You can call us from {v}.
+ Calls are answered {v}.
? When can I call?
? During which hours does somebody pick up the phone?
? At what times is the hotline staffed?
@ parking | money | | the price of parking
+ Parking costs {v} per hour.
+ An hour in our car park is {v}.
? How much is parking?
? What do I pay for leaving the car there?
? What is the rate of the car park?
@ address | address | | the address of the store
+ You find us at {v}.
+ The store is located at {v}.
+ Our shop is at {v}.
? Where is the store?
? What is your address?
? Where can I find you?
~ Dogs are welcome on a lead.
~ The entrance is step-free.
~ Hours may change around Christmas.
~ There is a bus stop in front of the door.
# warranty
@ period | period | kettles, laptops, mattresses, bicycles, phones, batteries, lamps, tools, chairs, headphones | the warranty of {s}
+ {s} come with a warranty of {v}.
+ The warranty on {s} lasts {v}.
+ We guarantee {s} for {v}.
+ {s} are covered for {v}.
? How long is the warranty on {s}?
? For how long are {s} covered?
? How many years or months of guarantee do {s} have?
? Until when can I claim a defect of {s}?
?s What is guaranteed for {v}?
@ proof | =the receipt; the invoice; a photo of the label; the serial number; the warranty card; the order mail | | the proof needed for a claim
+ To make a claim you need {v}.
+ Please have {v} ready for a warranty claim.
+ A claim is only valid with {v}.
? What do I need for a claim?
? Which proof do you ask for?
? What must I show to use the warranty?
@ repair time | days | | the repair time
+ Repairs take {v}.
+ A repair is finished after {v}.
+ Our workshop needs {v} for a repair.
? How long does a repair take?
? When is my device repaired?
? How much time does the workshop need?
@ fee | money | | the inspection fee
+ If the damage is not covered, an inspection fee of {v} is due.
+ We charge {v} for checking a device that is out of warranty.
? How much is the inspection?
? What does it cost to have a device checked out of warranty?
? What do you charge if it is not covered?
@ excluded | =water damage; scratches; lost parts; wear of the battery; damage from falls; wrong use; broken glass | | what is excluded
+ The warranty does not cover {v}.
+ Not included: {v}.
+ We do not pay for {v}.
? What is not covered?
? What does the warranty leave out?
? Which damage is excluded?
@ extension | money | | the price of a longer warranty
+ One more year of cover costs {v}.
+ The warranty can be extended for {v}.
? How much is an extended warranty?
? What do I pay to make the cover longer?
? What does an additional year cost?
~ The warranty starts on the day of delivery.
~ Keep the original box if you can.
~ Spare parts are sold in the shop.
# plans
@ price | money | plan | the price of {s}
+ {s} costs {v} a month.
+ The {s} plan is {v} per month.
+ For {s} we charge {v} monthly.
+ You pay {v} every month for the {s} plan.
? How much is {s}?
? What does the {s} plan cost?
? What is the monthly price of {s}?
? How much do I pay for {s} each month?
?s Which plan costs {v}?
@ users | =up to {2-9} users; {10-60} users; {2-9} people; {2-90} seats | plan | the number of users in {s}
+ {s} includes {v}.
+ The {s} plan is made for {v}.
+ With {s}, {v} can work at once.
? How many users does {s} have?
? How many people can use {s}?
? For how many is {s} meant?
@ storage | size | plan | the storage of {s}
+ {s} gives you {v} of storage.
+ In the {s} plan you can store {v}.
+ Storage in {s}: {v}.
? How much storage comes with {s}?
? How much space do I get with {s}?
? How many files fit into {s}?
@ trial | days | | the length of the trial
+ You can try every plan for {v}.
+ The free trial lasts {v}.
? How long is the trial?
? For how long can I test it for free?
? When does the trial end?
@ notice | days | | the notice period
+ You can cancel with a notice of {v}.
+ The notice period is {v}.
+ Tell us {v} before you want to leave.
? How long before must I cancel?
? What is the notice period?
? How early do I have to give notice?
@ discount | percent | | the discount for yearly payment
+ Paying yearly saves {v}.
+ There is {v} off if you pay once a year.
? How much do I save when I pay yearly?
? What discount is there for annual payment?
? How much cheaper is paying by the year?
~ You can switch plans at any time.
~ All prices include tax.
~ Larger teams should ask for an offer.
# contacts
@ mail | email | refunds, press questions, technical help, invoices, job applications, complaints, partnerships, data protection | the address for {s}
+ For {s}, write to {v}.
+ {s}: {v}.
+ Questions about {s} go to {v}.
+ Send {s} to {v}.
? Where do I write about {s}?
? Which email is for {s}?
? What address should I use for {s}?
? Whom can I mail about {s}?
@ phone | phone | sales, billing, support, the warehouse, the repair shop, the emergency line, the office | the phone number of {s}
+ You can call {s} on {v}.
+ The number of {s} is {v}.
+ {s} answers at {v}.
? What is the phone number of {s}?
? How do I reach {s} by phone?
? Which number do I dial for {s}?
@ answer | days | emails, letters, complaints, chat messages | the answer time for {s}
+ We answer {s} within {v}.
+ {s} are answered after {v} at most.
? How quickly are {s} answered?
? How long until you reply to {s}?
? When can I expect a reply to {s}?
@ lead | name | billing, support, sales, logistics, the workshop, human resources | the head of {s}
+ {v} leads {s}.
+ The head of {s} is {v}.
+ {s} is run by {v}.
? Who leads {s}?
? Who is in charge of {s}?
? What is the name of the head of {s}?
?s What does {v} lead?
@ languages | =English and German; French; Spanish and Portuguese; English only; Polish; Dutch and French; Italian; Turkish and English | | the languages of support
+ Our support speaks {v}.
+ Help is given in {v}.
? Which languages does support speak?
? In what language can I get help?
? What languages do you offer?
~ Please have your order number ready.
~ In busy weeks it may take longer.
~ We never ask for your password.
# payments
@ fee | =no fee; a fee of {1-5} percent; a charge of {1-9} euros; {1-4}%; ${1-9} | credit card, bank transfer, cash on delivery, invoice, gift card, instalments | the fee for {s}
+ Paying by {s} carries {v}.
+ For {s} there is {v}.
? What fee is there for {s}?
? What does paying by {s} cost me?
? How much is added for {s}?
@ limit | money | gift cards, cash, contactless cards, invoices, instalments | the limit for {s}
+ {s} can be used up to {v}.
+ The limit for {s} is {v}.
+ We accept {s} up to an amount of {v}.
? What is the maximum for {s}?
? Up to which amount can I use {s}?
? How much can I pay with {s} at most?
@ due | days | | the payment term
+ Invoices are payable within {v}.
+ Please pay the bill within {v}.
+ The payment term is {v}.
? How long do I have to pay an invoice?
? When is the bill due?
? What is the payment term?
@ late | money | | the late fee
+ Late payments cost {v} extra.
+ A reminder fee of {v} is added if you pay late.
? What happens if I pay late, how much is it?
? How high is the fee for a late payment?
? What does a reminder cost?
@ bank | =Harbour Bank; First Meadow Bank; Granite Savings; Linden Bank; River Union; Stone Trust | | our bank
+ Our account is with {v}.
+ Please transfer the money to our account at {v}.
? Which bank do you use?
? Where is your account held?
? What is the name of your bank?
@ charge date | =the day of dispatch; the first of the month; the day of the order; the last day of the month; the day after delivery | | the day of the charge
+ Cards are charged on {v}.
+ We take the money from your card on {v}.
? When is my card charged?
? On which day do you take the money?
? When will the payment be booked?
~ We accept all common cards.
~ Your data is encrypted.
~ Split payments are not possible.
# order status
@ state | =packed; on hold; waiting for payment; on its way; back in our warehouse; at customs; ready for pickup; cancelled; delivered; being checked | =order {1000-99999} | the state of {s}
+ {s} is {v}.
+ Status of {s}: {v}.
+ At the moment {s} is {v}.
? What is the status of {s}?
? What is going on with {s}?
? How is {s} doing?
? where is {s}
?s Which order is {v}?
@ eta | date | =order {1000-99999} | the arrival date of {s}
+ {s} should arrive on {v}.
+ We expect {s} to be delivered on {v}.
+ The delivery of {s} is planned for {v}.
? When does {s} arrive?
? On what day will {s} be delivered?
? What is the delivery date of {s}?
@ weight | weight | =parcel {1-9} | the weight of {s}
+ {s} weighs {v}.
+ The weight of {s} is {v}.
? How heavy is {s}?
? What does {s} weigh?
? How many kilos is {s}?
@ depot | city | =parcel {1-9} | the depot of {s}
+ {s} is in the depot in {v}.
+ {s} was last scanned in {v}.
? Where is {s} now?
? In which city is {s}?
? Where was {s} scanned last?
@ signed | name | =parcel {1-9} | the person who signed for {s}
+ {s} was signed for by {v}.
+ {v} took in {s}.
? Who signed for {s}?
? Who accepted {s}?
? Who has {s}?
@ driver | first | | the driver
+ The driver today is {v}.
+ Your driver is called {v}.
? Who is the driver?
? What is the name of the person bringing it?
? Who drives the van today?
~ The system updates every hour.
~ Please allow for delays.
~ The customer was informed by mail.
# booking rooms
@ checkin | time | | the check-in time
+ Check-in starts at {v}.
+ Rooms are ready from {v}.
+ You can check in from {v}.
? When can I check in?
? From what time is my room ready?
? What time can we get the room?
@ checkout | time | | the check-out time
+ Please leave the room by {v}.
+ Check-out is until {v}.
+ Guests check out before {v}.
? When do I have to check out?
? Until when may we stay in the room?
? By what time must we leave?
@ price | money | single room, double room, family room, suite, attic room, garden room | the price of a {s}
+ A {s} costs {v} per night.
+ One night in a {s} is {v}.
+ The {s} is {v} a night.
? How much is a {s}?
? What does a {s} cost per night?
? What do I pay for one night in a {s}?
?s Which room costs {v}?
@ breakfast | hours | | the breakfast hours
+ Breakfast is served from {v}.
+ You can have breakfast {v}.
? When is breakfast?
? At what time can we eat in the morning?
? What are the breakfast hours?
@ tax | money | | the city tax
+ A city tax of {v} per person is added.
+ The town asks for a tourist tax of {v}.
? How high is the city tax?
? What tax do guests pay?
? How much does the town take per person?
@ wifi | code | | the wifi password
+ The wifi password is {v}.
+ To go online, enter the password {v}.
? What is the wifi password?
? How do I get online, what is the code?
? Which password do I need for the internet?
@ pool | floor | pool, sauna, gym, reading room, restaurant, laundry, bar | the floor of the {s}
+ The {s} is on the {v}.
+ You find the {s} on the {v}.
? Where is the {s}?
? On which floor is the {s}?
? How do I find the {s}?
?s What is on the {v}?
~ Pets stay free of charge.
~ The reception is happy to call a taxi.
~ Smoking is not allowed in the rooms.
# device facts | device
@ battery | minutes | | the battery life of the {e}
+ The battery of the {e} lasts {v}.
+ On one charge the {e} runs for {v}.
+ The {e} works {v} without a cable.
? How long does the battery of the {e} last?
? What is the battery life of the {e}?
? For how long can I use it without charging?
@ charge | minutes | | the charging time
+ A full charge takes {v}.
+ It is charged in {v}.
? How long does it take to charge?
? When is it fully charged?
? How much time does charging need?
@ weight | weight | | the weight of the {e}
+ The {e} weighs {v}.
+ Its weight is {v}.
+ It comes in at {v}.
? How heavy is the {e}?
? What does it weigh?
? What is the weight of the {e}?
@ memory | size | | the memory
+ It has {v} of memory.
+ The {e} stores {v}.
? How much memory does the {e} have?
? How much can it store?
? What is the size of the memory?
@ colours | =black and white; red only; blue or grey; silver; green and gold; three shades of grey; yellow; white | | the colours
+ It is sold in {v}.
+ The {e} comes in {v}.
? Which colours are there?
? What colour does the {e} come in?
? In which colours can I buy it?
@ price | money | | the price of the {e}
+ The {e} costs {v}.
+ It is priced at {v}.
+ You can buy the {e} for {v}.
? How much is the {e}?
? What does it cost?
? What is the price of the {e}?
@ screen | length | | the size of the screen
+ The screen measures {v}.
+ It has a screen of {v}.
? How big is the screen?
? What size is the display?
? How large is the screen of the {e}?
@ box | =a cable and a manual; two cables; a case; a charger; a strap; a bag and a stand; a quick guide; nothing else | | what comes with it
+ In the box there is also {v}.
+ It comes with {v}.
? What else is in the box?
? What comes with it?
? What accessories are included?
~ It was made for daily use.
~ Updates are installed over night.
~ Do not put it into water.
# manual steps | item
@ reset | minutes | the power button, the reset key, the front button, the plus key, both keys, the lid switch | how long to hold {s}
+ To reset it, hold {s} for {v}.
+ Press {s} for {v} to start over.
? How long must I hold {s} for a reset?
? For how long do I press {s}?
@ light red | =the battery is empty; the filter is full; it is too hot; there is no water; the lid is open; it is not connected | a red light, a blue light, a green light, a flashing light, a yellow light, two beeps, three beeps, a long beep | the meaning of {s}
+ {s} means that {v}.
+ If you notice {s}, {v}.
? What does {s} mean?
? What is wrong when there is {s}?
? Why do I get {s}?
? What is {s} for?
@ clean | =once a week; every month; after each use; twice a year; every three months; once a year; daily | filter, tank, brush, tray, lens, seal, blade | how often to clean the {s}
+ Clean the {s} {v}.
+ The {s} should be cleaned {v}.
? How often should I clean the {s}?
? When does the {s} need cleaning?
? how often clean {s}
@ water | =cold water; warm water; filtered water; rain water; salt water; soapy water | | the kind of water
+ Only fill in {v}.
+ Use {v} with it.
? What kind of water should I use?
? Which water goes in?
? What do I fill it with?
@ temperature | temperature | | the highest temperature
+ It must not get hotter than {v}.
+ The highest allowed temperature is {v}.
? How hot may it get?
? What is the highest temperature?
? Which temperature is the limit?
@ part | code | filter, belt, bulb, battery, brush, seal | the part number of the {s}
+ The part number of the {s} is {v}.
+ Order a new {s} under {v}.
+ {s}: part {v}.
? What is the part number of the {s}?
? Under which number can I order a {s}?
? Which {s} do I need?
~ Read all pages before you start.
~ Unplug the {e} first.
~ Keep the {e} away from children.
# membership
@ fee | money | adults, students, families, seniors, children, companies | the membership fee for {s}
+ Membership for {s} costs {v} a year.
+ {s} pay {v} per year.
+ The yearly fee for {s} is {v}.
? How much do {s} pay?
? What is the membership fee for {s}?
? What does it cost for {s} to join?
?s Who pays {v}?
@ points | =one point per euro; two points per order; {5-90} points; ten points per visit; a point per dollar | purchase, review, birthday, friend you bring, survey | the points for each {s}
+ Each {s} earns {v}.
+ You collect {v} for a {s}.
? How many points do I get for a {s}?
? What does a {s} earn me?
? How many points is a {s} worth?
@ expiry | period | | when points expire
+ Points expire after {v}.
+ Your points are valid for {v}.
? When do points expire?
? How long are my points valid?
? After what time do I lose the points?
@ level | many | Silver, Gold, Bronze, Platinum, Diamond, Starter | the points for {s}
+ {s} starts at {v} points.
+ You need {v} points to become {s}.
? How many points are needed for {s}?
? When do I reach {s}?
? How do I become {s}, how many points?
@ welcome | =a free tote bag; a voucher; a mug; free coffee; a poster; two tickets; a pen | | the welcome gift
+ New members get {v}.
+ As a welcome gift there is {v}.
? What do new members get?
? What is the welcome gift?
? What do I receive when I join?
@ card | money | | the cost of a new card
+ A lost card is replaced for {v}.
+ A new card costs {v}.
? What does a replacement card cost?
? How much is it if I lose my card?
? What do I pay for another card?
~ Members hear about sales first.
~ You can leave at any time.
~ The card is not transferable.
"""
