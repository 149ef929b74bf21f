#!/usr/bin/env python3
"""Writes the files of this folder: a hotel's guests, as its property-management system exports them.

Every run writes the same bytes. All people are made up; all addresses are in the domains that are
reserved for examples (RFC 2606), and all phone numbers are set aside for fiction or have a run of
zeros.
"""

import csv
import datetime
import pathlib
import random
import unicodedata

FOLDER = pathlib.Path(__file__).parent
CHOICE = random.Random(1240)
TODAY = datetime.date(2026, 11, 16)

ROWS, DUPLICATES, MISSING, INVALID = 1240, 62, 50, 12
SUBSCRIBED = 0.70
PHONES_LATER, ADDRESSES_LATER, STREETS_LATER, FOUND_LATER = 40, 15, 10, 6
STAYS_LATER, GONE_LATER, NEW_LATER = 55, 18, 35

HEADER = ["Guest ID", "E-mail", "First name", "Last name", "Language", "Date of birth", "Phone", "Street", "Street 2",
          "City", "State", "Postal code", "Country", "Newsletter", "Last stay"]
DOMAINS = ["example.com", "example.org", "example.net", "mail.example.com", "post.example.org", "inbox.example.net",
           "studio.example.org"]

# country: share, language, men, women, family names (m, or m/f), streets, towns as city|zip|state, phone
COUNTRIES = {
    "CZ": (22, "cs", "Jan Jiří Petr Tomáš Lukáš Zdeněk Ondřej Vojtěch", "Jana Božena Růžena Kateřina Lucie Markéta Žofie Šárka",
           "Novák/Nováková Dvořák/Dvořáková Černý/Černá Procházka/Procházková Kučera/Kučerová Veselý/Veselá Růžička/Růžičková "
           "Šťastný/Šťastná Říha/Říhová Žák/Žáková", "Dlouhá,Nádražní,Husova,Květná,náměstí Míru,Příčná",
           "Praha|110 00|,Plzeň|301 00|,České Budějovice|370 01|,Ústí nad Labem|400 01|,Hradec Králové|500 02|", "+420 700 000 {:03}"),
    "DE": (14, "de", "Jürgen Jörg Günther Lukas Björn Matthias", "Käthe Bärbel Sabine Jördis Ulrike Anneliese",
           "Müller Schröder Weiß Bäcker Köhler Groß Jäger Schäfer Krüger Strauß", "Hauptstraße,Gartenweg,Schloßallee,Mühlgasse",
           "München|80331|,Köln|50667|,Düsseldorf|40213|,Nürnberg|90402|,Görlitz|02826|", "+49 30 23125 {:03}"),
    "EE": (9, "et", "Jüri Tõnu Märt Priit Rünno Ülo", "Ülle Õie Kärt Külli Žanna Anneli",
           "Põld Kõiv Mägi Rätsep Õunapuu Pärn Sööt Jõgi Šmidt Võsu", "Võidu,Pärna,Õpetaja,Küüni,Raekoja plats",
           "Tallinn|10111|,Tartu|51003|,Võru|65608|,Pärnu|80010|,Jõhvi|41531|", "+372 5000 0{:03}"),
    "RU": (6, "ru", "Иван Алексей Сергей Юрий Фёдор", "Мария Юлия Ольга Екатерина Любовь",
           "Петров/Петрова Кузнецов/Кузнецова Щербаков/Щербакова Ёлкин/Ёлкина Соловьёв/Соловьёва Чижов/Чижова",
           "улица Мира,Садовая улица,Невский проспект", "Москва|101000|,Санкт-Петербург|190000|,Екатеринбург|620014|", "+7 900 000 0{:03}"),
    "UA": (7, "uk", "Олексій Євген Андрій Богдан Тарас Ігор", "Ганна Наталія Оксана Євгенія Соломія",
           "Шевченко Бондаренко Ковальчук Мельник Ткаченко Щербань Єрмоленко Їжакевич Ґудзь", "вулиця Франка,вулиця Садова,проспект Свободи",
           "Київ|01001|,Львів|79000|,Чернігів|14000|,Запоріжжя|69000|", "+380 50 000 0{:03}"),
    "GR": (5, "el", "Γιώργος Κώστας Δημήτρης Νίκος", "Ελένη Μαρία Κατερίνα Δέσποινα",
           "Παπαδόπουλος/Παπαδοπούλου Νικολάου Οικονόμου Γεωργίου Ιωαννίδης/Ιωαννίδου", "Ερμού,Αθηνάς,Ελευθερίας",
           "Αθήνα|105 57|,Θεσσαλονίκη|546 24|,Ηράκλειο|712 02|", "+30 690 000 0{:03}"),
    "FR": (7, "fr", "François Jérôme Rémi Noël Benoît", "Hélène Zoë Anaïs Françoise Chloé",
           "Lefèvre Bérenger Désiré Gonçalves L'Hôte D'Aubigné Mûrier", "rue de l'Église,avenue Foch,place du Marché,chemin des Prés",
           "Orléans|45000|,Besançon|25000|,Nîmes|30000|,Évian-les-Bains|74500|", "+33 6 39 98 0{:03}"),
    "TR": (5, "tr", "Çağlar İbrahim Doğan Uğur", "Ayşe Gülşen Işıl Şeyma", "Yılmaz Öztürk Şahin Güneş Çelik Aydın Koç",
           "Atatürk Caddesi,Çınar Sokak,İstiklal Caddesi", "İstanbul|34000|,Muğla|48000|,Eskişehir|26000|", "+90 500 000 0{:03}"),
    "PL": (4, "pl", "Paweł Wojciech Łukasz Michał", "Małgorzata Agnieszka Żaneta Bożena",
           "Wiśniewski/Wiśniewska Dąbrowski/Dąbrowska Wójcik Żak Kamiński/Kamińska", "ulica Długa,ulica Krótka,aleja Róż",
           "Łódź|90-001|,Gdańsk|80-001|,Kraków|30-001|", "+48 500 000 {:03}"),
    "LT": (2, "lt", "Žygimantas Česlovas Mindaugas", "Rūta Eglė Jūratė", "Petrauskas/Petrauskienė Žukauskas/Žukauskaitė Juršėnas/Juršėnienė",
           "Ąžuolų gatvė,Laisvės alėja", "Šiauliai|76001|,Panevėžys|35001|", "+370 600 00{:03}"),
    "GB": (5, "en", "Oliver George Harry Alfie", "Amelia Isla Poppy Freya", "Smith Clarke Wright Whitfield Ashworth",
           "High Street,Church Lane,Mill Road", "London|SW1A 1AA|,York|YO1 7HH|,Bath|BA1 1LZ|", "+44 7700 900{:03}"),
    "US": (7, "en", "James Robert Michael Daniel", "Mary Linda Jennifer Emily", "Johnson Williams Garcia Miller O'Neill Anderson",
           "Main Street,Oak Avenue,Sunset Boulevard", "Portland|97201|OR,Austin|78701|TX,Boston|02108|MA,Denver|80202|CO", "+1 303 555 0{:03}"),
    "CA": (3, "en", "Liam Noah Étienne", "Emma Olivia Geneviève", "Tremblay Roy MacDonald Bouchard Chen",
           "Maple Street,rue Saint-Denis,King Street", "Toronto|M5H 2N2|ON,Montréal|H2Y 1C6|QC,Vancouver|V6B 1A1|BC", "+1 604 555 0{:03}"),
    "AU": (3, "en", "Jack Lachlan Cooper", "Charlotte Matilda Sienna", "Taylor Nguyen Kelly Campbell Walker",
           "George Street,Collins Street", "Sydney|2000|NSW,Melbourne|3000|VIC,Perth|6000|WA", "+61 491 570 {:03}"),
    "IE": (3, "en", "Seán Pádraig Cillian", "Aoife Niamh Siobhán", "O'Brien Murphy Ó_Súilleabháin Byrne Ní_Chonaill",
           "Bóthar na Trá,Patrick Street", "Galway|H91 E2R8|Galway,Cork|T12 W8KP|Cork", "+353 20 910 0{:03}"),
    "BR": (3, "pt", "João Antônio Sérgio", "Conceição Flávia Vitória", "Gonçalves Araújo Magalhães Conceição",
           "Rua das Flores,Avenida São João", "São Paulo|01001-000|SP,Brasília|70040-010|DF,Curitiba|80010-000|PR", "+55 11 90000 0{:03}"),
}

CYRILLIC = dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
                    "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya i yi ye g".split()))
GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψως", "a v g d e z i th i k l m n x o p r s t y f ch ps o s".split()))
OTHERS = {"ß": "ss", "ł": "l", "ı": "i", "đ": "d", "ø": "o", "æ": "ae", "-": "-"}


def ascii_name(name):
    """A name as its bearer would write it in an e-mail address."""
    plain = unicodedata.normalize("NFKD", name.lower().replace("й", "y").replace("ё", "e").replace("ї", "yi"))
    letters = (CYRILLIC.get(c) or GREEK.get(c) or OTHERS.get(c) or c for c in plain)
    return "".join(c for c in "".join(letters) if c.isascii() and c.isalpha())


def date(day):
    """A date as the system prints it."""
    return day.strftime("%d.%m.%Y")


def street(code, house):
    """Street and number in the order of the country."""
    name = CHOICE.choice(COUNTRIES[code][5].split(","))
    return f"{house} {name}" if code in {"FR", "GB", "US", "CA", "AU", "IE"} else f"{name} {house}"


class Hotel:
    """Hands out guest numbers, addresses and phone numbers, each once."""

    def __init__(self):
        self.number = 20000
        self.taken = set()

    def address(self, guest):
        first, last = ascii_name(guest["First name"]), ascii_name(guest["Last name"])
        forms = [f"{first}.{last}", f"{first[0]}.{last}", f"{last}.{first}", f"{first}{last}", f"{first}_{last}"]
        base, domain = CHOICE.choice(forms), CHOICE.choice(DOMAINS)
        suffix = 0
        while (address := f"{base}{suffix or ''}@{domain}").lower() in self.taken:
            suffix += CHOICE.randint(1, 29)
        self.taken.add(address.lower())
        return address

    def next_number(self):
        self.number += CHOICE.randint(1, 7)
        return f"G-{self.number}"

    def guest(self):
        code = CHOICE.choices(list(COUNTRIES), [country[0] for country in COUNTRIES.values()])[0]
        _, language, men, women, families, *_ = COUNTRIES[code]
        woman = CHOICE.random() < 0.5
        family = CHOICE.choice(families.split(" ")).split("/")
        guest = dict.fromkeys(HEADER, "")
        guest.update({
            "Guest ID": self.next_number(),
            "First name": CHOICE.choice((women if woman else men).split()),
            "Last name": family[-1 if woman else 0].replace("_", " "),
            "Language": language,
            "Last stay": date(TODAY - datetime.timedelta(days=CHOICE.randint(8, 900))),
        })
        guest["E-mail"] = self.address(guest)
        if CHOICE.random() < 0.8:
            guest["Date of birth"] = date(datetime.date(1940, 1, 1) + datetime.timedelta(days=CHOICE.randint(0, 24000)))
        if CHOICE.random() < 0.85:
            guest["Phone"] = COUNTRIES[code][7].format(CHOICE.randint(100, 199))
        self.move(guest, code)
        return guest

    def move(self, guest, code):
        """Fills in the postal address: mostly whole, sometimes a part of it, sometimes none."""
        filled = CHOICE.random()
        if filled < 0.08:
            return
        city, postcode, state = CHOICE.choice(COUNTRIES[code][6].split(",")).split("|")
        guest.update({"City": city, "Country": code})
        if filled < 0.14:
            return
        guest.update({"Street": street(code, CHOICE.randint(1, 140)), "Postal code": postcode})
        if CHOICE.random() < 0.93:
            guest["State"] = state
        if CHOICE.random() < 0.06:
            guest["Street 2"] = CHOICE.choice(["c/o Reception; ask for key", "Building B\nGround floor", 'Villa "Aurora"'])


def respelled(address):
    """The same address as another clerk typed it."""
    local, domain = address.split("@")
    return CHOICE.choice([f"{local}@{domain}".upper(), f" {address} ", f"mailto:{address}", f"{local.title()}@{domain}",
                          address + "\u00a0", f"{local}@{domain.title()}", address])


def broken(address):
    """What a clerk typed in the place of an address."""
    local, domain = address.split("@")
    return CHOICE.choice([f"{local}@", f"{local}(at){domain}", local.replace(".", " ").replace("_", " ") + f" x@{domain}",
                          f"{local}@example", f"{local}@@{domain}", f"www.{domain}", "refused", f"{local}@{domain.replace('.', '..', 1)}"])


def write(name, header, rows):
    with open(FOLDER / name, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows([row[column] for column in header] for row in rows)


def is_complete(guest):
    return all(guest[part] for part in ("Street", "City", "State", "Postal code"))


def main():
    hotel = Hotel()
    people = [hotel.guest() for _ in range(ROWS - DUPLICATES)]
    troubled = CHOICE.sample(people, MISSING + INVALID)
    for guest in troubled[:MISSING]:
        guest["E-mail"] = ""
    for guest in troubled[MISSING:]:
        guest["E-mail"] = broken(guest["E-mail"])
    reachable = [guest for guest in people if guest not in troubled]
    subscribed = [guest for guest in reachable if CHOICE.random() < SUBSCRIBED]
    for guest in people:
        guest["Newsletter"] = "yes" if guest in subscribed else "no"

    guests = list(people)
    repeated = CHOICE.sample(reachable, DUPLICATES)
    for guest in repeated:
        again = dict(guest, **{"Guest ID": hotel.next_number(), "E-mail": respelled(guest["E-mail"]), "Newsletter": "no"})
        again["Phone"] = CHOICE.choice([guest["Phone"], ""])
        guests.insert(CHOICE.randint(guests.index(guest) + 1, len(guests)), again)
    write("guests.csv", HEADER, guests)

    consents = [dict(guest, **{"Consent date": guest["Last stay"]}) for guest in subscribed]
    write("newsletter.csv", ["Guest ID", "E-mail", "Consent date"], consents)

    once = [guest for guest in reachable if guest not in repeated]
    gone, *changed = split(CHOICE.sample(once, len(once)), GONE_LATER, PHONES_LATER, ADDRESSES_LATER, STREETS_LATER, STAYS_LATER)
    later = {guest["Guest ID"]: dict(guest) for guest in guests if guest not in gone}
    phones, addresses, streets, stays = ([later[guest["Guest ID"]] for guest in group] for group in changed)
    for guest in phones:
        guest["Phone"] = COUNTRIES[guest["Country"] or "CZ"][7].format(CHOICE.randint(200, 299))
    for guest in addresses:
        guest["E-mail"] = hotel.address(guest)
    for guest in streets:
        guest["Street"] = street(guest["Country"] or "CZ", CHOICE.randint(141, 199))
    for guest in stays:
        guest["Last stay"] = date(TODAY + datetime.timedelta(days=CHOICE.randint(0, 6)))
    for guest in troubled[MISSING - FOUND_LATER // 2:MISSING + FOUND_LATER // 2]:
        later[guest["Guest ID"]]["E-mail"] = hotel.address(guest)
    new = [hotel.guest() for _ in range(NEW_LATER)]
    for guest in new:
        guest["Last stay"] = date(TODAY + datetime.timedelta(days=CHOICE.randint(0, 6)))
        guest["Newsletter"] = CHOICE.choice(["yes", "no"])
    write("guests-later.csv", HEADER, [*later.values(), *new])

    print(f"guests.csv: {len(guests)} rows, {MISSING} without an address, {INVALID} invalid, {DUPLICATES} duplicates")
    print(f"  {len(reachable)} people; postal address complete {sum(map(is_complete, reachable))}, "
          f"partial {sum(bool(guest['City']) and not is_complete(guest) for guest in reachable)}, "
          f"none {sum(not guest['City'] for guest in reachable)}")
    print(f"newsletter.csv: {len(subscribed)} rows")
    print(f"guests-later.csv: {len(later) + len(new)} rows, {len(gone)} gone, {len(new)} new")


def split(guests, *sizes):
    """Groups of these sizes, one after the other."""
    groups, start = [], 0
    for size in sizes:
        groups.append(guests[start:start + size])
        start += size
    return groups


if __name__ == "__main__":
    main()
