"""Clause banks of `extract`: how people mention one field in a sentence. The two banks share no phrasing."""


def bank(text: str) -> dict[str, tuple[str, ...]]:
    bank: dict[str, list[str]] = {}
    field = ""
    for line in text.strip().splitlines():
        if line.startswith("= "):
            field = line[2:]
            bank[field] = []
        elif line:
            bank[field].append(line.replace("@", "{" + field + "}"))
    return {key: tuple(value) for key, value in bank.items()}


TRAIN = bank("""
= order number
My order number is @.
Order number: @.
It's about order @.
The order is @.
I am writing about my order @.
The number of my order is @.
This concerns order no. @.
Order @.
Please look at order @.
You will find it under order @.
I ordered it under @.
The confirmation mail says order @.
order id @
Ref order @.
I have order number @ in front of me.
It was order @ if I read it right.
My purchase, order @, is the one I mean.
@ is the order number.
@ is my order.
= invoice number
The invoice number is @.
Invoice: @.
Invoice @ is the one in question.
I am looking at invoice @.
The bill I mean has the number @.
You sent me invoice @.
It is on invoice no. @.
inv no @
The document says invoice @.
Please check invoice @.
My accountant needs invoice @.
@ is the invoice number.
We were billed on invoice @.
Reference on the invoice: @.
I still have invoice @ open.
= tracking number
The tracking number is @.
Tracking: @.
The courier gave me tracking number @.
Tracking code @ shows nothing.
I follow the parcel under @.
parcel number @
The label says tracking no. @.
I typed in @ on the tracking page.
@ is the tracking number.
The shipment is tracked as @.
Tracking id @ has not moved.
It shipped with tracking @.
You mailed me the tracking code @.
When I track @ I get no result.
Here is the tracking number: @.
= customer id
My customer id is @.
Customer number @.
I am customer @.
You know me as customer no. @.
client id @
My client number is @.
Customer ID: @
In your system I am @, that is my customer number.
The customer number on the letter is @.
@ is my customer id.
Look me up under customer number @.
I'm registered with customer id @.
= account number
My account number is @.
Account: @.
The account is @.
acct no @
It is on account @.
I pay from account number @.
@ is my account number.
You can find us under account @.
The account in question has number @.
Account id @.
= serial number
The serial number is @.
Serial: @.
The sticker on the back says serial @.
On the bottom I read S/N @.
It has serial number @.
serial no @
The device carries the serial @.
@ is the serial number.
Its serial is @.
You asked for the serial number: @.
Printed on the unit: serial @.
= ticket number
My ticket number is @.
This is about ticket @.
Ticket: @.
I already have case @ open with you.
The case number is @.
See ticket @.
Earlier I got ticket number @.
The last mail had ticket @ in the subject.
@ is the ticket.
Please add this to case number @.
= booking reference
My booking reference is @.
Booking: @.
The reservation number is @.
I booked under reference @.
Booking ref @.
@ is our booking reference.
The booking is @.
It is reservation @.
Our reservation has the code @.
You gave us booking number @.
= policy number
My policy number is @.
Policy: @.
I am insured under policy @.
The policy is @.
Policy no. @.
It is covered by policy @.
@ is the policy number.
The insurance policy has the number @.
= name
My name is @.
I am @.
I'm @.
This is @.
Name: @.
@ here.
The order was made by me, @.
It is registered to @.
It's in the name of @.
The name on the account is @.
You can reply to @.
Regards, @
Thanks, @
Best, @
Cheers, @
Yours, @
Kind regards, @
Greetings from @.
The account belongs to @.
Sincerely, @
= agent name
I spoke with @ from your team.
@ from support helped me before.
Your colleague @ promised to call back.
The agent was called @.
I talked to @ on the phone.
Somebody named @ answered last time.
@ was the one who handled it.
My last contact was @ in your office.
An agent named @ told me to write.
= recipient
It is a gift for @.
The parcel should go to @.
The recipient is @.
Please deliver it to @.
It was meant for @.
The box is addressed to @.
@ will receive it.
@ is the person it is for.
= email
My email is @.
Email: @.
You can reach me at @.
Please write to @.
My mail address is @.
Send the answer to @.
Reply to @ please.
I registered with @.
The account uses @.
Contact me under @.
mail: @
My e-mail address: @
I use @ for everything.
Drop me a line at @.
@ is my email.
Please send it to @.
My login mail is @.
I can be mailed at @.
= phone
My phone number is @.
Phone: @.
Call me on @.
You can call @.
My number is @.
Please ring @.
Tel @
I can be reached by phone at @.
Text me at @.
my mobile is @
Reach me on @.
Give me a call at @.
@ is my phone.
My cell is @.
Phone me on @ any time.
The best number for me is @.
= product
It is about the @.
I bought a @.
The item is a @.
I ordered the @.
The product is the @.
I have a @ from you.
Product: @.
My @ is the problem.
We are talking about a @.
It's the @ that I mean.
I got the @.
I own a @.
item: @
It concerns my @.
The thing I bought is a @.
I paid for a @.
= quantity
I need @ of them.
Quantity: @.
I ordered @ pieces.
We want @ units.
There should be @ in the box.
I would take @ of these.
qty @
The quantity is @.
In total @ pieces.
Please make it @ items.
It was @ pieces altogether.
That would be @ units.
= amount
The amount is @.
I paid @.
The total was @.
You charged me @.
It cost @ in all.
Amount: @.
@ was taken from my card.
My card was debited with @.
The sum is @.
I was billed @.
The bill comes to @.
total @
They took @ from my account.
The payment was @.
I see a charge of @.
It says @ on the statement.
= refund amount
I should get @ back.
The refund should be @.
Please refund @.
You owe me @.
I expect a refund of @.
I am waiting for @ to be paid back.
Only @ was refunded.
= price
The price was @.
It is listed at @.
The shop shows a price of @.
Each one costs @.
Price: @.
In the catalogue it is @.
= date
It was on @.
Date: @.
That happened on @.
The date is @.
It is about @.
on @ to be exact
The day was @.
I noticed it on @.
This was @.
= order date
I ordered it on @.
I placed the order on @.
The order is from @.
Ordered: @.
I bought it on @.
The purchase was made on @.
It was ordered @.
Order date @.
My purchase dates from @.
= delivery date
It should have come on @.
Delivery was promised for @.
The delivery is planned for @.
It was delivered on @.
Delivery date: @.
The parcel came on @.
It should arrive @.
You said it would be here by @.
The courier dropped it off on @.
= due date
It is due on @.
The due date is @.
I have to pay by @.
Payment is due @.
Due: @.
The deadline for paying is @.
= appointment date
My appointment is on @.
I would like to come on @.
Can we meet on @?
The visit is planned for @.
Appointment: @.
Please book me in for @.
I am free on @.
The technician should come on @.
= start date
It should start on @.
The start date is @.
We arrive on @.
From @ on.
The first day is @.
It begins on @.
= end date
It ends on @.
The last day is @.
We leave on @.
Until @.
The end date is @.
= appointment time
It would be at @.
The time is @.
Come at @ if you can.
Time: @.
At @ would suit me.
The slot is @.
I was told @ as the time.
around @ is fine
= city
I live in @.
I am in @.
City: @.
I am writing from @.
We are based in @.
It goes to @.
My city is @.
I'm located in @.
The delivery is for @.
Our home is in @.
I picked it up in @.
We are over in @.
town: @
I'm from @.
= departure city
I travel from @.
We leave from @.
I start in @.
The trip begins in @.
Departure: @.
= destination
I am going to @.
We travel to @.
The trip goes to @.
My destination is @.
Destination: @.
= country
I live in @, so it goes abroad.
The country is @.
Country: @.
We are in @ at the moment.
I am writing to you from @.
It has to go to @.
= address
My address is @.
Address: @.
I live at @.
Please send it to @.
It goes to @.
The house is @.
The address is @.
We are at @.
You will find me at @.
Ship it to @ please.
It should be brought to @.
addr @
= old address
My old address was @.
I used to live at @.
The old one is @.
You still have @ on file, which is the old address.
Until now it was @.
I moved out of @.
We have left @.
Old address: @.
= new address
My new address is @.
I now live at @.
Please change it to @.
The new one is @.
I have moved to @.
From now on send things to @.
New address: @.
We moved into @.
Update my address to @.
= billing address
The bill goes to @.
My billing address is @.
Invoice address: @.
Please put @ on the invoice as address.
The invoice should be sent to @.
= delivery address
The parcel goes to @.
The delivery address is @.
Please deliver to @.
Ship to @.
Leave the box at @.
Deliver it at @ please.
= old email
My old email was @.
You have @ on file, which I no longer use.
I can't get into @ any more, my old mail.
So far the account used @.
= new email
My new email is @.
Please change my mail to @.
From now on use @.
Switch the account to @.
= postcode
My postcode is @.
Postcode: @.
The zip is @.
zip code @
The postal code is @.
It is in the @ postcode.
= company
I work for @.
My company is @.
Company: @.
We are @.
I am writing on behalf of @.
The invoice goes to @.
Our firm is called @.
I buy for @.
@ is our company.
I represent @.
The order was placed by @.
= reason
The reason: @.
Reason: @.
The reason is this: @.
I give the reason as @.
Why? @.
As for the reason: @.
My reason is @.
= card last four
My card ends in @.
The last four digits are @.
Card ending @.
I paid with the card that ends with @.
The last 4 of the card: @.
It's the card with @ at the end.
card ...@
My card's final digits are @.
= plan
I am on the @ plan.
My plan is @.
We have the @ plan.
Plan: @.
I pay for @, that is my plan.
My subscription is @.
= new plan
I want to switch to @.
Please move me to the @ plan.
I'd like @ instead.
Change it to @.
The new plan should be @.
= colour
The colour is @.
I chose it in @.
I want it in @.
Colour: @.
It should be @ in colour.
I took the @ one.
= size
The size is @.
I take size @.
Size: @.
I wear @.
It should be in size @.
= username
My username is @.
I log in as @.
User name: @.
My login is @.
I am signed up as @.
The user is @.
= error code
The error code is @.
It shows error @.
I get error @.
The screen says error @.
Error: @.
There is a message with code @.
= coupon code
The voucher code is @.
I used the code @.
Coupon: @.
The code @ does not work.
I typed in the promo code @.
My discount code is @.
= carrier
It was sent with @.
The courier is @.
Carrier: @.
@ was supposed to bring it.
The parcel is with @.
It ships by @.
= version
I run version @.
The version is @.
Version: @.
It is on software version @.
I updated to @.
= room number
I am in room @.
My room is @.
Room: @.
We stay in room number @.
= model number
The model is @.
Model number @.
It is a model @.
Model: @.
The plate says model @.
""")
