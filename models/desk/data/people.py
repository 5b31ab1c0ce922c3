"""First and last names of many cultures."""

FIRST = tuple("""
Ann Li Maria John Ahmed Fatima Chen Wei Priya Arjun Lucas Emma Noah Olivia Mateo Sofia Diego Camila Hiroshi Yuki Sakura
Kenji Min-jun Ji-woo Seo-yeon Amara Kofi Zanele Thabo Ngozi Chidi Aisha Omar Layla Yusuf Hassan Leila Reza Shirin Dmitri
Olga Ivan Natalia Piotr Agnieszka Katarzyna Jakub Tomas Petra Jan Eva Lars Ingrid Bjorn Astrid Erik Freya Mikko Aino
Liam Aoife Niamh Sean Fiona Callum Isla Rhys Carys Gwen Pierre Chloe Camille Antoine Margaux Luc Giulia Marco Chiara
Lorenzo Francesca Hans Greta Klaus Heike Jurgen Anke Stavros Eleni Dimitra Nikos Elif Mehmet Zeynep Emre Ayse Levent
Gabor Zsofia Bence Ilona Radu Ioana Mihai Andreea Boyan Desislava Milica Dragan Luka Ana Ivana Marko Goran Tuan Linh
Minh Thao Somchai Malee Putri Budi Dewi Agus Siti Farid Nurul Juan Carlos Lucia Valeria Joaquin Renata Thiago Beatriz
Joao Ines Rui Catarina Paulo Larissa Grace David Sarah James Emily Michael Jessica Daniel Laura Robert Karen Peter Helen
George Alice Henry Ruth Samuel Naomi Aaron Miriam Eli Hannah Adam Rachel Simon Judith Tariq Nadia Karim Salma Bilal Zara
Rohan Ananya Vikram Kavya Sanjay Meera Rahul Deepa Nikhil Pooja Imran Sana Usman Hina Tenzin Pema Bayar Oyun Aiko Haruto
Ren Mei Jing Hao Xin Ling Bao Tao Kwame Ama Abena Kwesi Wanjiru Kamau Achieng Otieno Amina Juma Tendai Rudo Sipho Lerato
Malik Imani Jada Tyrone Keisha Andre Kiri Aroha Tane Moana Sione Leilani Kai Makoa Nina Oscar Hugo Elsa Alma Felix Clara
Otto Ida Theo Vera Ezra June Ivy Max Rosa Leon Mila Finn Nora Jude Pearl Dean Joyce Neil Brenda Craig Wendy Keith Tracey
""".split())

LAST = tuple("""
Smith Jones Taylor Brown Wilson Evans Walker Wright Green Hall Wood Clarke Hughes Turner Hill Cooper Ward Morris King
Baker Parker Cook Bell Murphy Kelly Byrne Ryan Doyle Gallagher Campbell Stewart Macleod Fraser Nguyen Tran Pham Le Hoang
Vo Bui Kim Park Lee Choi Jung Kang Tanaka Suzuki Sato Watanabe Ito Yamamoto Nakamura Kobayashi Mori Wang Zhang Liu Yang
Huang Zhao Wu Zhou Xu Sun Lin Cheng Wong Chan Patel Sharma Singh Gupta Mehta Reddy Iyer Nair Rao Desai Joshi Kapoor
Khan Ahmed Hussain Malik Siddiqui Chaudhry Rahman Islam Begum Hosseini Karimi Rezaei Haddad Khoury Nasser Mansour Saleh
Farouk Aziz Cohen Levi Mizrahi Friedman Goldberg Katz Yilmaz Kaya Demir Celik Sahin Ozturk Papadopoulos Nikolaidis
Georgiou Ivanov Petrov Sokolov Volkov Popov Kuznetsov Kowalski Nowak Wisniewski Zielinski Wojcik Lewandowski Novak
Svoboda Dvorak Horvath Nagy Szabo Toth Kovacs Popescu Ionescu Dumitru Jovanovic Petrovic Nikolic Kovac Babic Muller
Schmidt Schneider Fischer Weber Wagner Becker Hoffmann Koch Richter Klein Wolf Neumann Braun Zimmermann De-Vries Jansen
Bakker Visser Smit Mulder Peeters Maes Claes Dubois Lefebvre Moreau Laurent Girard Roux Fontaine Chevalier Rossi Russo
Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Garcia Martinez Lopez Gonzalez Rodriguez Fernandez Sanchez
Perez Ramirez Torres Flores Rivera Gomez Diaz Cruz Morales Ortiz Castillo Vargas Silva Santos Oliveira Souza Pereira
Costa Ferreira Almeida Carvalho Ribeiro Andersson Johansson Karlsson Nilsson Eriksson Hansen Olsen Larsen Berg Dahl
Nielsen Jensen Korhonen Virtanen Makinen Nieminen Okafor Adeyemi Eze Okonkwo Balogun Mensah Owusu Asante Boateng Diallo
Traore Keita Ndlovu Dlamini Nkosi Khumalo Mokoena Mwangi Kariuki Odhiambo Njoroge Moyo Chikwanha Banda Phiri Abebe
Tesfaye Bekele Wijaya Santoso Kusuma Hartono Reyes Bautista Mendoza Aquino Kahananui Tuala Ngata Walters Pritchard
Bowen Llewellyn Ashworth Thorne Whitfield Marsh Finch Holloway Pike Sutton Barlow Crane Denham Ellery Fosse Garland
""".split())
