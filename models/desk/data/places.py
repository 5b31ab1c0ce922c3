"""Cities, countries and streets."""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())


CITIES = _lines("""
London, Paris, Berlin, Madrid, Rome, Vienna, Prague, Warsaw, Budapest, Lisbon, Porto, Dublin, Cork, Galway, Edinburgh,
Glasgow, Leeds, Bristol, Cardiff, Swansea, Manchester, Liverpool, Sheffield, York, Bath, Norwich, Exeter, Hull, Derby,
Amsterdam, Rotterdam, Utrecht, Leiden, Delft, Antwerp, Ghent, Bruges, Brussels, Lyon, Nantes, Lille, Bordeaux, Nice,
Toulouse, Marseille, Geneva, Zurich, Basel, Bern, Munich, Hamburg, Cologne, Leipzig, Dresden, Bremen, Stuttgart, Bonn,
Salzburg, Graz, Linz, Milan, Turin, Naples, Bologna, Florence, Venice, Genoa, Palermo, Verona, Athens, Patras, Sofia,
Varna, Bucharest, Cluj, Belgrade, Zagreb, Split, Ljubljana, Krakow, Gdansk, Poznan, Lodz, Brno, Ostrava, Bratislava,
Vilnius, Riga, Tallinn, Tartu, Helsinki, Turku, Oulu, Tampere, Stockholm, Malmo, Uppsala, Oslo, Bergen, Trondheim,
Copenhagen, Aarhus, Odense, Reykjavik, Kyiv, Lviv, Odesa, Istanbul, Ankara, Izmir, Cairo, Tunis, Rabat, Fez, Accra,
Kumasi, Lagos, Abuja, Dakar, Nairobi, Mombasa, Kampala, Kigali, Lusaka, Harare, Durban, Cape Town, Pretoria, Windhoek,
Addis Ababa, Amman, Beirut, Haifa, Doha, Muscat, Dubai, Tehran, Karachi, Lahore, Delhi, Mumbai, Pune, Chennai, Kochi,
Bangalore, Kolkata, Jaipur, Dhaka, Colombo, Kathmandu, Bangkok, Chiang Mai, Hanoi, Da Nang, Manila, Cebu, Jakarta,
Bandung, Surabaya, Kuala Lumpur, Penang, Singapore, Hong Kong, Taipei, Seoul, Busan, Incheon, Tokyo, Osaka, Kyoto,
Nagoya, Sapporo, Fukuoka, Shanghai, Beijing, Chengdu, Wuhan, Sydney, Melbourne, Perth, Brisbane, Adelaide, Hobart,
Auckland, Wellington, Dunedin, Toronto, Ottawa, Montreal, Quebec, Halifax, Calgary, Winnipeg, Vancouver, Seattle,
Portland, Oakland, San Diego, San Jose, Sacramento, Denver, Boulder, Phoenix, Tucson, Dallas, Austin, Houston, El Paso,
Tulsa, Omaha, Chicago, Detroit, Cleveland, Columbus, Atlanta, Savannah, Miami, Tampa, Orlando, Nashville, Memphis,
Boston, Albany, Buffalo, Rochester, Newark, Baltimore, Richmond, Raleigh, Charlotte, New York, Philadelphia, Pittsburgh,
Mexico City, Puebla, Merida, Oaxaca, Havana, Bogota, Medellin, Cali, Quito, Lima, Cusco, La Paz, Santiago, Valparaiso,
Cordoba, Rosario, Mendoza, Buenos Aires, Montevideo, Asuncion, Recife, Salvador, Curitiba, Fortaleza, Sao Paulo
""")

COUNTRIES = _lines("""
Spain, France, Italy, Germany, Austria, Poland, Norway, Sweden, Finland, Denmark, Iceland, Ireland, Portugal, Greece,
Turkey, Egypt, Morocco, Ghana, Nigeria, Kenya, Uganda, Zambia, South Africa, India, Nepal, Thailand, Vietnam, Indonesia,
Malaysia, Japan, South Korea, Taiwan, Australia, New Zealand, Canada, Mexico, Peru, Chile, Brazil, Argentina, Uruguay,
Colombia, Ecuador, Belgium, the Netherlands, Switzerland, Croatia, Serbia, Bulgaria, Romania, Hungary, Estonia, Latvia
""")

STREETS = _lines("""
Mill Lane, High Street, Station Road, Church Road, Park Avenue, Oak Street, Maple Drive, Cedar Court, Elm Grove,
Birch Close, River Road, Bridge Street, Market Square, Queen Street, King Street, Victoria Road, Albert Street,
Castle Hill, Meadow Way, Orchard Lane, Rose Court, Willow Crescent, Harbour View, Beach Road, Hill Street, Lake Drive,
Forest Avenue, Garden Street, Chapel Lane, School Road, Linden Street, Ash Road, Poplar Avenue, Sunset Boulevard,
Canal Street, Abbey Road, North Street, South Terrace, West End Road, East Parade, Long Row, Spring Gardens, Valley Road,
Chestnut Avenue, Juniper Way, Heron Street, Falcon Close, Swan Lane, Dock Street, Quay Road, Tower Street, Foundry Lane,
Mulberry Street, Pine Ridge, Prospect Place, Union Street, Washington Street, Franklin Avenue, Second Avenue,
Fifth Street, Copper Lane, Silver Street, Weaver Row, Potter Street, Baker Close, Tanner Road, Granary Road, Cross Street
""")
