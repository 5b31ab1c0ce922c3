"""Products, companies, mail domains, plans and other things of a shop."""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())


PRODUCTS = _lines("""
kettle, toaster, blender, coffee grinder, espresso machine, rice cooker, air fryer, stand mixer, juicer, food processor,
desk lamp, floor lamp, night light, ceiling fan, heater, dehumidifier, air purifier, vacuum cleaner, robot vacuum, iron,
hair dryer, electric toothbrush, shaver, bathroom scale, laptop, tablet, keyboard, wireless mouse, monitor, webcam,
printer, scanner, router, headphones, earbuds, speaker, soundbar, microphone, turntable, radio, camera, tripod, drone,
phone case, charger, power bank, usb cable, hard drive, memory card, smart watch, fitness band, thermostat, doorbell,
smoke alarm, garden hose, lawn mower, hedge trimmer, wheelbarrow, watering can, plant pot, bird feeder, barbecue, tent,
sleeping bag, camping stove, backpack, suitcase, duffel bag, umbrella, raincoat, winter jacket, hoodie, jeans, skirt,
summer dress, running shoes, hiking boots, sandals, slippers, wool socks, scarf, gloves, leather belt, wallet, handbag,
sunglasses, reading glasses, necklace, bracelet, earrings, wall clock, alarm clock, mirror, bookcase, bed frame,
mattress, pillow, duvet, bath towel, shower curtain, rug, curtain rail, sofa, armchair, office chair, standing desk,
coffee table, dining table, bar stool, wardrobe, shoe rack, coat stand, frying pan, saucepan, casserole dish, knife set,
chopping board, dinner plates, wine glasses, teapot, water bottle, lunch box, thermos, bicycle, bike helmet, bike lock,
scooter, skateboard, yoga mat, dumbbells, rowing machine, treadmill, tennis racket, football, basketball, swim goggles,
board game, jigsaw puzzle, teddy bear, building blocks, dolls house, train set, pram, car seat, high chair, baby monitor,
dog bed, cat tree, fish tank, bird cage, dog lead, paint set, sketchbook, fountain pen, notebook, desk organiser, violin,
guitar, ukulele, drum kit, piano stool, music stand, sewing machine, knitting kit, drill, hammer, screwdriver set, saw,
ladder, toolbox, paint roller, tape measure, spirit level, extension lead, torch, car battery, roof rack, dash cam,
tyre pump, cushion, blanket, candle set, picture frame, vase, doormat, letterbox, parasol, deck chair, hammock
""")

BRANDS = _lines("""
Arvo, Belmar, Cendra, Dorvik, Elmont, Farrow, Glint, Halden, Ivara, Jonko, Kestra, Lumo, Mirava, Norvel, Ostra, Pellow,
Quilla, Rovan, Solvi, Tarn, Umbra, Veldt, Wexley, Xenro, Yarrow, Zephyr, Brisko, Calyx, Dunmore, Edda, Fjell, Gantry,
Hobbin, Inkwell, Jarrow, Kipling, Larkin, Moxie, Nimbus, Orrin, Pinto, Quartz, Redfern, Skylark, Tindle, Verro, Wren
""")

COMPANIES = _lines("""
Northwind Foods, Blue Harbour Ltd, Acorn Printing, Redstone Logistics, Silver Birch Design, Kite & Sons, Bright Path,
Lantern Books, Fielding Motors, Oakfield Dental, Harlow Systems, Pinewood Studios, Mercer Tools, Green Valley Farms,
Copperline, Tidewater Shipping, Maple Software, Delta Fabrics, Summit Travel, Granite Works, Willowbrook Care,
Starling Media, Ironbridge Steel, Clearwater Labs, Juniper Legal, Morning Glory Bakery, Falcon Security, Riverbend Hotel,
Orchard Accounting, Sundial Energy, Beacon Insurance, Cobalt Electric, Meridian Optics, Brightwater Clinic, Hopscotch Toys,
Larkspur Florists, Anchor Plumbing, Peregrine Air, Thistle Tea, Marigold Catering, Stonegate Homes, Violet Cosmetics,
Windmill Bikes, Zenith Audio, Amber Jewellers, Quayside Fish, Foxglove Pharmacy, Humber Glass, Nettle Textiles,
Ostrich Outdoor, Parsley Kitchens, Quill Stationery, Rookery Games, Saffron Foods, Tamarind Spices, Vantage Rentals
""")

DOMAINS = _lines("""
example.com, example.org, example.net, mailbox.example, post.example, inbox.example, webmail.example, home.example,
fastpost.example, bluemail.example, quickmail.example, northmail.example, mymail.example, letters.example, desk.example,
kmail.example, skypost.example, greenmail.example, citynet.example, openmail.example, pigeon.example, netpost.example,
gmail.com, outlook.com, yahoo.com, proton.me, hotmail.com, icloud.com
""")

PLANS = _lines("""
Basic, Plus, Pro, Premium, Starter, Standard, Family, Team, Business, Student, Essential, Advanced, Silver, Gold, Bronze,
Platinum, Lite, Max, Solo, Duo, Studio, Growth, Flex, Unlimited, Classic, Explorer, Home, Office
""")

CARRIERS = _lines("""
Swiftline, Parcelway, Northpost, Redcart, Dashfreight, Bluevan, Hopbox, Ferrypost, Quickvan, Postline, Roadrunner Parcels,
Greenlorry, Airbridge, Doorstep Express, Cityrider, Homebound, Tricargo, Meteor Couriers, Pigeon Post, Overland
""")

COLOURS = _lines("""
red, blue, green, black, white, grey, yellow, orange, purple, pink, brown, navy, teal, beige, cream, silver, gold, maroon,
turquoise, violet, olive, mint, charcoal, lilac
""")

ROLES = _lines("""
store manager, warehouse manager, head of support, repair technician, billing clerk, delivery driver, account manager,
sales assistant, security officer, head chef, librarian, receptionist, chief engineer, treasurer, director, curator,
head gardener, project lead, returns officer, duty manager, press officer, night guard, volunteer coordinator, coach
""")
