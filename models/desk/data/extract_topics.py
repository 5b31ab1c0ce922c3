"""Topics of `extract`: fields that fit, scenes (sentences without a value) and whole messages with slots.

A slot is `{field}`, or `{other x:kind}` for a value of the same look that nobody asks for.
"""

TRAIN = """
# parcel late
: order number, tracking number, order date, delivery date, name, phone, email, city, address, product, carrier, postcode
~ My parcel is still not here.
~ The delivery has not arrived and nobody tells me anything.
~ I keep waiting for the courier.
~ Where is my package?
~ Nothing has come yet although it was shipped.
~ It is late again.
~ any news on the delivery?
+ Order {order number} was supposed to reach me on {delivery date}, but there is no sign of it. Tracking {tracking number} only says "in transit".
+ I ordered a {product} on {order date} and it still hasn't shown up in {city}. My order is {order number}, call me at {phone}.
+ Could you check where {tracking number} is? {carrier} has had it since {date} and my number is {phone}.
+ {name} from {city} here, still waiting for order {order number}. Please write to {email}.
+ where is my {product}?? order {order number}, should be at {address} by now
+ {carrier} says my parcel {tracking number} was delivered to {address} on {delivery date}, but I was home and nobody came.
+ Two orders are open, but only {order number} is late, the other one ({other order:order}) came fine. {name}
# refund
: order number, invoice number, refund amount, amount, name, email, reason, card last four, product, order date, customer id
~ I would like my money back.
~ The refund has not reached me.
~ Please pay it back.
~ I returned everything and am still waiting for the money.
~ When will I be refunded?
~ I want a refund for this.
~ no refund so far
+ I paid {amount} for order {order number} but only {refund amount} came back. Who can explain this?
+ Please refund {refund amount} to the card ending in {card last four}. My name is {name}.
+ I sent back the {product} because {reason}. Order {order number}, refund to {email} please.
+ Invoice {invoice number} over {amount} was paid twice, please return one payment. {name}
+ You promised {refund amount} for the {product} on {date} and I have seen nothing. Customer {customer id}.
+ refund for {order number} pls, {reason}
+ My statement shows {amount} for the {product}, bought on {order date}. I want it refunded, {name}.
# return
: order number, product, reason, name, email, phone, size, colour, quantity, order date, address
~ I want to send something back.
~ How does a return work?
~ Please send me a return label.
~ I would like to exchange this.
~ It has to go back.
~ This was not what I wanted.
+ I'd like to return the {product} from order {order number} because {reason}.
+ The {colour} {product} in size {size} does not suit me, can I swap it? Order number {order number}.
+ Please email a return label to {email}. Order {order number}, reason: {reason}.
+ Of the things I ordered on {order date} I am sending back {quantity} pieces. {name}, order {order number}.
+ Can the return be picked up at {address}? It is one {product} and my phone is {phone}.
+ returning {product}, {reason}, order no {order number}, thx {name}
# move
: old address, new address, customer id, name, city, postcode, phone, start date, order number, email
~ I have moved.
~ Please update your records.
~ We are moving house.
~ My details have changed.
~ Can you change where my parcels go?
~ I need to correct my details.
+ Please change my address from {old address} to {new address}. Customer number {customer id}.
+ We left {old address} and now live at {new address} in {city}. {name}
+ From {start date} on, please send everything to {new address}, {postcode} {city}.
+ My order {order number} must not go to {old address}! I live at {new address} now, reach me at {phone}.
+ New address for customer {customer id}: {new address}, {city}. Name stays {name}.
+ I'm {name} and I moved to {city}. The street is now {new address}, mail me at {email} if that worked.
# invoice copy
: invoice number, order number, amount, due date, company, email, name, billing address, customer id
~ I need a copy of the invoice.
~ The bill is wrong.
~ There is a mistake on the invoice.
~ We can't find the invoice.
~ Please send the invoice again.
~ Our accounting asks for the papers.
+ Please resend invoice {invoice number} to {email}, our bookkeeping at {company} lost it.
+ Invoice {invoice number} says {amount}, but for order {order number} we agreed on {other amount:amount}.
+ {company} needs the bill for order {order number} made out to {billing address}.
+ Is invoice {invoice number} really due on {due date}? The amount is {amount}. {name}, {company}
+ The invoice for order {order number} is missing our address, {billing address}. Customer id {customer id}.
+ Hello, I'm {name} with {company}. We got invoice {invoice number} twice, it is the same amount, {amount}. Invoice {other invoice:invoice} was fine.
# cancel order
: order number, product, order date, name, email, reason, phone, amount, quantity
~ I want to cancel my order.
~ Please stop the order before it ships.
~ Can this still be cancelled?
~ I changed my plans.
~ Please do not send it.
~ cancel it please
+ Cancel order {order number} please, I ordered the {product} by accident. {name}
+ On {order date} I ordered {quantity} of the {product}. Please cancel, {reason}.
+ Kindly cancel {order number} and confirm to {email}.
+ Not order {other order:order}, but order {order number} should be cancelled. Sorry for the mix-up, {name}.
+ I paid {amount} for order {order number} and want to cancel, the reason is {reason}.
+ pls cancel the {product} i ordered, number is {order number}, call {phone} if needed
# account
: username, email, old email, new email, phone, name, customer id, error code, version
~ I can't log in.
~ My account is locked.
~ The password reset does not work.
~ I never get the code by mail.
~ Please unlock my account.
~ The app throws me out.
~ I forgot my password.
+ My user {username} is locked and the app shows error {error code}.
+ Please change my email from {old email} to {new email}. My username is {username}.
+ I can't get into the account of {name}, the reset mail never comes to {email}.
+ When I log in as {username} it says {error code}. I run version {version}.
+ Customer {customer id} here, I lost the phone with {other number:phone}, my new number is {phone}.
+ the login {username} stopped working, mail me: {email}
# repair
: product, serial number, model number, order number, order date, name, phone, error code, city, email
~ It does not work any more.
~ I need a repair.
~ The device is broken.
~ Is this covered by the warranty?
~ It stopped working overnight.
~ It keeps switching itself off.
+ My {product} with serial number {serial number} shows error {error code} and then stops.
+ The {product} I bought on {order date} is dead. Serial {serial number}, order {order number}.
+ Can somebody in {city} repair a {product}, model {model number}? My phone is {phone}.
+ {name} here. Model {model number}, serial {serial number}, it will not start.
+ Warranty case: {product}, bought {order date}, serial no. {serial number}. Reply to {email}.
+ my {product} says {error code} all the time, what now? s/n {serial number}
# appointment
: appointment date, appointment time, name, phone, city, address, email, agent name, reason
~ I would like an appointment.
~ Can a technician come by?
~ I have to move my appointment.
~ Please confirm the visit.
~ I need somebody to come.
~ When can I come in?
+ Can I come on {appointment date} at {appointment time}? My name is {name}, phone {phone}.
+ The technician was to come to {address} on {appointment date} at {appointment time}, nobody rang.
+ Please move my visit from {other date:date} to {appointment date}, {appointment time} would be best. {name}
+ I have an appointment with {agent name} on {appointment date}. Could we make it {appointment time} instead?
+ {name}, {address} in {city}. Please send someone on {appointment date}.
+ appointment {appointment date} {appointment time}? text me {phone}
# quote
: company, name, product, quantity, email, phone, city, delivery date, colour, country
~ We would like an offer.
~ Please send us a quote.
~ Do you give a discount for many pieces?
~ We want to buy more than one.
~ What would it cost for a business?
~ We are looking for a supplier.
+ {company} would like {quantity} units of the {product} by {delivery date}. Please send an offer to {email}.
+ I'm {name} from {company} in {city}. What do {quantity} pieces of the {product} in {colour} cost?
+ Could you quote {quantity} x {product}, shipped to {country}? Contact: {name}, {phone}.
+ We need {quantity} pieces, not {other quantity:quantity} as I wrote before. Offer to {email} please, {name}, {company}.
+ Please call {name} at {phone} about a bulk order of the {product}, {quantity} of them.
+ quote for {company}: {product}, qty {quantity}, colour {colour}, delivery {city}
# payment
: amount, card last four, date, order number, invoice number, name, account number, error code, coupon code
~ The payment failed.
~ I was charged twice.
~ My card was declined.
~ There is a charge that I do not know.
~ I cannot pay.
~ The money is gone but the order is not there.
+ On {date} you took {amount} from my card ending {card last four}, and I do not know what for.
+ Order {order number} was charged twice, {amount} each time. {name}
+ My payment of {amount} for invoice {invoice number} was sent from account {account number} on {date}.
+ The voucher {coupon code} took nothing off, I still paid {amount} for order {order number}.
+ card {card last four} declined, error {error code}, order {order number}
+ The booking of {other amount:amount} is fine, but there is an amount of {amount} on {date} that is not mine. {name}
# subscription
: plan, new plan, email, name, account number, start date, end date, price, reason, customer id
~ I want to change my subscription.
~ Please end my contract.
~ I would like to upgrade.
~ How do I cancel the subscription?
~ I do not need it any more.
~ My plan is not right.
+ Please move account {account number} from {plan} to {new plan} from {start date}.
+ I'm on the {plan} plan and want to stop on {end date}. My email is {email}.
+ Why did {plan} go up to {price}? I'm thinking of {new plan}. {name}
+ Cancel my {plan} subscription, {reason}. Customer id {customer id}.
+ {name} would like the {new plan} plan, starting {start date}, same mail as before: {email}.
+ downgrade to {new plan} pls, account {account number}
# missing item
: order number, product, quantity, name, email, tracking number, delivery date, colour
~ Something is missing.
~ The box was not complete.
~ I got the wrong thing.
~ There is something else in the parcel.
~ Not everything came.
~ I only got a part of it.
+ Order {order number} came on {delivery date} but the {product} was not in it.
+ I ordered {quantity} of the {product} and got fewer. Order {order number}, {name}.
+ Instead of the {product} in {colour} I got something else, see order {order number}.
+ The parcel {tracking number} arrived open and the {product} is missing, write to {email}.
+ no {product} in the box, order {order number} from {other date:date}, arrived {delivery date}
+ {quantity} pieces were on the note, order {order number}, yet the box was half empty. Yours, {name}
# complaint
: agent name, name, date, ticket number, order number, email, phone, city
~ I want to complain.
~ Nobody answers me.
~ The service was rude.
~ I have been waiting for an answer for ages.
~ This is the third time I write.
~ I am not happy at all.
+ On {date} I spoke with {agent name}, who was rude to me. The ticket is {ticket number}.
+ {agent name} promised a call back to {phone} and it never came. My name is {name}.
+ Your store in {city} refused to help me with order {order number}. {name}, {email}
+ Ticket {ticket number} is still open, {agent name} said it would be closed by {date}.
+ I'm {name}, not {other person:person}, please correct that in ticket {ticket number}.
+ third mail about {ticket number}, answer to {email} or call {phone}
# hotel
: booking reference, name, start date, end date, room number, city, email, phone, price, quantity
~ I have a question about our stay.
~ We want to change our booking.
~ There is a problem with the room.
~ Please confirm the reservation.
~ We would like to stay longer.
~ We need to cancel the room.
+ We stay in room {room number} under the name {name}, booking {booking reference}, and the heating is off.
+ Please move the start of booking {booking reference} from {other date:date} to {start date}.
+ I booked a room in {city} from {start date} to {end date}, name {name}.
+ You charged {other price:amount} for {booking reference}, but the right price is {price}. Mail: {email}
+ {name}, arriving {start date}, leaving {end date}, {quantity} guests. My phone is {phone}.
+ can u add a night to {booking reference}? until {end date} then. {name}
# travel
: booking reference, departure city, destination, date, name, email, phone, appointment time, price
~ Our trip has a problem.
~ The flight was cancelled.
~ I need to change my ticket.
~ I missed the train.
~ My luggage did not arrive.
~ I would like to travel on another day.
+ My trip from {departure city} to {destination} on {date} was cancelled. Booking {booking reference}.
+ Please rebook {booking reference} to {date}, leaving {departure city} at {appointment time}.
+ I paid {price} to go from {departure city} to {destination} and the bus never came. {name}
+ {name}, booking {booking reference}, would like to fly to {destination} rather than {other city:city}.
+ Bag lost between {departure city} and {destination}, ref {booking reference}, call {phone}.
+ ticket {booking reference} for {date}: can i leave at {appointment time}? {email}
# insurance
: policy number, name, date, amount, address, city, phone, email, reason
~ I have to report a damage.
~ I want to file a claim.
~ There was an accident.
~ My claim is not paid.
~ Please tell me if this is covered.
~ Something happened at home.
+ On {date} a pipe burst at {address}. My policy is {policy number}, the damage is about {amount}.
+ Policy {policy number}, {name}: somebody broke into my flat in {city} on {date}.
+ My claim under {policy number} was refused, reason: {reason}. I ask for {amount}.
+ Please add {address} to policy {policy number}. Questions to {phone}.
+ claim for policy {policy number}, damage {amount}, happened {date}, reply {email}
+ I am {name}, insured with you under {policy number}. The car was hit in {city}.
# gift
: order number, recipient, address, city, delivery date, name, product, coupon code, phone
~ It is meant as a present.
~ Please wrap it as a gift.
~ The gift went to the wrong person.
~ I want to send something to a friend.
~ It is for a birthday.
~ Please leave out the bill.
+ Please send the {product} as a gift to {recipient}, {address}, {city}.
+ Order {order number} is for {recipient}, and it has to be there on {delivery date}. {name}
+ I, {name}, ordered a {product} for {recipient}. The card should have my name on it.
+ The gift code {coupon code} does not work on order {order number}.
+ gift for {recipient} in {city}, order {order number}, must come {delivery date}
+ Does {recipient} have to sign for order {order number}? You can ring me, {name}, on {phone}.
# shop order
: product, quantity, colour, size, name, address, city, postcode, phone, email
~ I want to order something.
~ Please put this down for me.
~ Can I order by mail?
~ The website does not take my order.
~ I would like to buy this.
~ New order for you.
+ I would like {quantity} of the {product} in {colour}, size {size}. Send to {address}, {city}.
+ Please send one {product} to {name}, {address}, {postcode} {city}.
+ Do you have the {product} in size {size}? If yes, {quantity} please. {email}
+ {quantity} x {product}, {colour}, for {name}. Phone {phone}.
+ Order: {product}. Colour: {colour}. Ship to: {address}. Name: {name}.
+ can i get a {product} in {colour} not {other colour:colour}, {city}, my mail {email}
# lead
: name, company, email, phone, city, country, date, appointment time, plan
~ I would like to know more.
~ Please get in touch.
~ We met at the fair.
~ Can someone show us how it works?
~ We are thinking of buying.
~ I saw your page.
+ Hi, {name} from {company} in {city}. Please call me on {date} at {appointment time}, number {phone}.
+ {company} is interested in the {plan} plan. Contact {name} via {email}.
+ Contact me at {email} or {phone}, I work for {company}.
+ We have offices in {city}, {country}, and want the {plan} plan. {name}
+ demo for {company} on {date}? {name}, {email}
+ My colleague {other person:person} told me to write. I am {name}, {company}, tel. {phone}.
# call notes
: name, order number, phone, product, reason, email, city, date, amount, agent name
~ Note from a call.
~ Customer on the line, a bit upset.
~ Caller wants an answer today.
~ Call note for the team.
~ The customer called again.
~ Taken by phone.
+ Caller {name} asks about order {order number}, wants the {product} replaced, call back {phone}.
+ Customer {name} from {city} wants {amount} back because {reason}.
+ {name} rang on {date} about the {product}. Reply by mail to {email}.
+ Spoke with customer {name}, order {order number}. Reason for the call: {reason}.
+ cust {name} / order {order number} / tel {phone} / wants refund {amount}
+ {agent name} took the call on {date}: customer {name}, product {product}, number {phone}.
"""

HELDOUT = """
# lost in shop
: product, city, name, phone, date, colour, email
~ I left a thing at your branch.
~ Has anybody handed in what I forgot?
~ I must have dropped it near the till.
~ Somebody may have found my belongings.
+ I forgot a {colour} {product} in your {city} branch on {date}, did anyone find it? My phone: {phone}.
+ Was a {product} handed in lately? Belongs to {name}, who can be mailed under {email}.
+ left my {product} at the counter in {city}, ring {phone} if found
+ On {date}, not on {other date:date}, I lost a {product} with you; I am called {name}.
# meter
: customer id, address, date, amount, name, account number, due date, email
~ The reading looks far too high.
~ Our energy bill shocked us.
~ Nobody came to read the meter.
~ I doubt that figure.
+ The yearly bill for {address} came to {amount}, which can't be right for customer number {customer id}.
+ Meter read on {date} at {address}. Account holder: {name}.
+ Could account {account number} be paid in parts? {amount} until {due date} is more than I have.
+ reading for {customer id} sent on {date}, still an estimate on the bill, answer under {email}
# rental
: booking reference, start date, end date, city, name, phone, price, model number
~ The hire car gave us trouble.
~ I'd rather keep the van for longer.
~ A scratch was there before we drove off.
~ Handing back the keys took forever.
+ We collected the car in {city} on {start date} and brought it back on {end date}; booking {booking reference} lists one day more.
+ Could {booking reference} run until {end date}? The driver is {name}, who answers under {phone}.
+ For the {model number} they wanted {other price:amount} at the counter, although the quoted price is {price}.
+ hire {booking reference}: pick up {city}, {start date}, driver {name}
# wrong person
: name, email, order number, phone, company, agent name, ticket number
~ I keep getting mails that are not mine.
~ You mixed me up with another client.
~ That purchase has nothing to do with me.
~ Take me off this thread.
+ You keep writing to {email} about order {order number}, which {name} never made.
+ There is no {other person:person} at {company}; questions about ticket {ticket number} go to {name}.
+ {agent name} mailed me somebody else's papers, those of order {order number}. Ring {phone} to sort it out.
+ whoever ordered {order number} it wasn't me, {name}
# spare part
: product, model number, serial number, quantity, email, order number, price, country
~ I'm hunting for a spare part.
~ One little piece snapped off.
~ Do you still stock parts for older devices?
~ A screw went missing when I put it together.
+ Which hinge fits the {product} of type {model number}? I'd take {quantity} if they're {price} apiece.
+ Spare knob wanted: {product}, serial {serial number}. Offers to {email}.
+ The part that came with order {order number} is for another type, mine is model {model number}.
+ looking for {quantity} feet for a {product}, post to {country} possible?
# clinic
: name, appointment date, appointment time, phone, policy number, reason, email
~ I won't manage to come to the practice.
~ Is there an earlier slot?
~ I was told to turn up without breakfast.
~ My results have not been sent.
+ {name} can't make it on {appointment date}; is {appointment time} on another day possible? Tel. for replies: {phone}.
+ Patient {name}, insurance {policy number}, asks to be seen on {appointment date} around {appointment time}.
+ I skip my slot on {appointment date}, {reason}.
+ see you {appointment date} {appointment time}, if not then mail {email}
# event ticket
: order number, quantity, date, city, name, email, amount, card last four
~ Our seats were changed.
~ The concert has been put off.
~ The code at the gate was refused.
~ I bought seats for the wrong evening.
+ For the show in {city} on {date} I hold {quantity} seats, order {order number}. Could the name be {name}?
+ The concert is off and I'd like {amount} credited to the card with final digits {card last four}.
+ Mail the {quantity} tickets of order {order number} to {email}, the old mail bounced.
+ {quantity} seats {city} {date}, never got the pdf, {email}
# supplier
: company, invoice number, amount, due date, name, account number, phone
~ We deliver to you and have not been paid.
~ A reminder from one of your vendors.
~ Our open items have grown.
~ This is our second dunning letter.
+ {company} reminds you of bill {invoice number} over {amount}, payable until {due date}.
+ Transfer {amount} to account {account number}, quoting {invoice number}. Signed {name}, {company}.
+ What {company} still waits for is the money of bill {invoice number}; {other invoice:invoice} has long been settled. Ask for {name} at {phone}.
+ {company} / {invoice number} / {amount} / open since {due date}
# software
: version, error code, username, plan, email, company, model number
~ The program freezes on launch.
~ Since the update nothing syncs.
~ The export button is grey.
~ My files vanished from the list.
+ Since {version} landed, signing on as {username} ends with {error code}.
+ {company} pays for {plan}, yet the export gives {error code}. Mail the fix to {email}.
+ App {version} on a {model number} hangs; the log holds {error code}.
+ {error code} after the update to {version}, user {username}
# delivery wish
: delivery date, delivery address, recipient, order number, phone, billing address, name
~ One wish for the drop-off.
~ The driver should know a thing or two.
~ Our bell is out of order.
~ I'd like it brought somewhere else.
+ Kindly hand order {order number} to {recipient} at {delivery address}; the bill belongs at {billing address}.
+ Could {order number} come on {delivery date} rather than on {other date:date}? {recipient} will be in.
+ Driver may ring {phone}, box goes behind the house at {delivery address}. {name}
+ {order number}: drop at {delivery address}, not before {delivery date}
"""
