/** What the PDF and the Word document of the samples say. */

export type Part =
  | { kind: 'heading'; level: 1 | 2; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; items: string[]; ordered: boolean }
  | { kind: 'table'; rows: string[][] }
  | { kind: 'page' }

export interface Manual {
  title: string
  parts: Part[]
}

const heading = (text: string): Part => ({ kind: 'heading', level: 2, text })
const paragraph = (text: string): Part => ({ kind: 'paragraph', text })
const bullets = (...items: string[]): Part => ({ kind: 'list', items, ordered: false })
const steps = (...items: string[]): Part => ({ kind: 'list', items, ordered: true })
const table = (...rows: string[][]): Part => ({ kind: 'table', rows })

export const glasshouses: Manual = {
  title: 'Care of the glasshouses',
  parts: [
    { kind: 'heading', level: 1, text: 'Care of the glasshouses' },
    paragraph(
      'Lindenmoor has four glasshouses. They hold 2,900 kinds of plants, and many of them would die in a single cold night. This manual is for the gardeners who look after the houses and for whoever is on call.',
    ),
    heading('Climate'),
    paragraph(
      'Each house has its own climate. The figures below are what the computer tries to hold; the alarm rings when the temperature leaves the range by more than 3 degrees for longer than ten minutes.',
    ),
    table(
      ['House', 'Day', 'Night', 'Humidity'],
      ['Tropical house', '26 °C', '21 °C', '85 percent'],
      ['Orchid house', '24 °C', '18 °C', '70 percent'],
      ['Desert house', '30 °C', '12 °C', '25 percent'],
      ['Mediterranean house', '18 °C', '7 °C', '55 percent'],
    ),
    paragraph(
      'The vents of the tropical house stay closed below 15 °C outside. The desert house is aired every morning, even in winter, because standing moisture rots the cacti. Shade cloth is drawn when the sun sensor shows more than 600 watts per square metre.',
    ),
    heading('Watering'),
    paragraph(
      'Only rain water is used under glass. It is stored in two tanks of 40,000 litres below the potting shed. When the tanks are less than a quarter full, the filter plant is switched on; tap water is the last resort and must be left standing for 24 hours.',
    ),
    bullets(
      'Tropical house: daily before 9:00, and misted again at 14:00.',
      'Orchid house: Monday, Wednesday and Friday, never on the leaves.',
      'Desert house: every third week from April to September, not at all from November to February.',
      'Mediterranean house: twice a week in summer, once a week in winter.',
    ),
    { kind: 'page' },
    heading('Feeding'),
    paragraph(
      'Orchids are fed every second week with fertiliser at a quarter of the usual strength. The giant water lily is fed once a month from April to August: five tablets of lily fertiliser are pushed into the soil of its basket. Carnivorous plants are never fed.',
    ),
    heading('Pests'),
    paragraph(
      'We do not spray poison in the glasshouses. Mealybugs are wiped off with a brush dipped in alcohol. Against spider mites we release predatory mites, Phytoseiulus persimilis, at 20 animals for each square metre, and raise the humidity. Sticky yellow cards are counted each Thursday and replaced; more than 30 whiteflies on one card are reported to the head gardener.',
    ),
    paragraph(
      'New plants spend six weeks in the quarantine room behind the orchid house. Whoever has worked there changes coat and gloves before going into any other house.',
    ),
    heading('The titan arum'),
    paragraph(
      'The titan arum in the tropical house last flowered on 3 July 2021. Its flower opens for about 48 hours and smells of rotting meat in the first night. When a flower bud is recognised, tell visitor services at once: in 2021 the garden stayed open until midnight and 9,400 people came in two days.',
    ),
    { kind: 'page' },
    heading('When the heating fails'),
    paragraph(
      'A heating failure in winter is the worst thing that can happen to the collection. The tropical house loses about 4 degrees an hour when it freezes outside, so there is little time.',
    ),
    steps(
      'Silence the alarm and read the fault code on the panel by the boiler room door.',
      'Press the green reset button once. If the burner does not start within two minutes, do not press it again.',
      'Call the heating engineer, Kessler and Daughters, on 0800 555 0142; they come within 90 minutes, day and night.',
      'Light the gas heaters: two in the tropical house, one in the orchid house. Open the roof vent by ten centimetres for fresh air.',
      'Cover the seedlings with fleece and draw the thermal screens.',
      'Call the curator when the tropical house falls below 14 °C.',
    ),
    paragraph(
      'The emergency generator starts by itself within 15 seconds of a power cut and has diesel for 36 hours. It is tested on the first Monday of each month at 7:30.',
    ),
  ],
}

export const emergencies: Manual = {
  title: 'Emergency procedures',
  parts: [
    { kind: 'heading', level: 1, text: 'Emergency procedures' },
    paragraph(
      'In an emergency people come first, then the plants, then the buildings. Read these pages before you need them.',
    ),
    heading('Fire'),
    steps(
      'Press the nearest red alarm button; it calls the fire brigade and opens all gates.',
      'Call 112 as well, and say which gate is nearest: North, Brickyard or Pond.',
      'Lead visitors to the assembly point. Do not use the lift in the gatehouse.',
      'Fight a fire only when it is smaller than a waste-paper basket and your way out is behind you.',
      'Report to the fire warden, who wears a yellow vest and counts the staff.',
    ),
    paragraph(
      'There are two assembly points: the lawn in front of the gatehouse, and the car park at Brickyard Gate. Fire extinguishers hang beside every door of the glasshouses and are inspected each October. A fire drill is held twice a year, in March and in September.',
    ),
    heading('First aid'),
    table(
      ['Place', 'First aid kit', 'Defibrillator'],
      ['Gatehouse', 'yes', 'yes'],
      ['Workshop', 'yes', 'no'],
      ['Tropical house', 'yes', 'yes'],
      ['Arboretum hut', 'yes', 'no'],
    ),
    paragraph(
      'Eleven members of staff are trained in first aid; their names hang beside each kit. Every use of a kit is written into the green book, and the office refills it within two working days.',
    ),
    heading('Poisonous plants'),
    paragraph(
      'When somebody has eaten part of a plant, keep a piece of it, read the accession number on the label, and call the poison centre on 0800 555 0199. Do not make the person vomit. The sap of giant hogweed burns the skin in sunlight: wash it off with soap and water, and keep the skin out of the sun for 48 hours.',
    ),
    heading('Storm'),
    paragraph(
      'The weather service gives warnings from level 1 to level 4. At level 2 the playground under the old beeches is closed. At level 3 the arboretum is closed and all work on ladders stops. At level 4 the whole garden is closed and everyone goes to the gatehouse cellar.',
    ),
    paragraph(
      'After a storm nobody enters the arboretum before the head gardener has walked through it. Broken branches that still hang are marked with orange paint.',
    ),
    heading('Power cut'),
    paragraph(
      'The ticket machines run on batteries for four hours. Key cards do not open the doors of the seed bank during a power cut: the brass key is in the safe of the office, and the director and the curator know the code.',
    ),
  ],
}
