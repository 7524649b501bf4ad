import { describe, expect, test } from 'bun:test'
import { detectLanguage } from '../../db/lexical/language.ts'
import { hasShared, readXquad } from './lexical-bm25.ts'

describe('the language of a text', () => {
  test.each([
    ['en', 'The wing of an aircraft produces lift when air flows over it.'],
    ['de', 'Die Würde des Menschen ist unantastbar.'],
    ['ro', 'Toate ființele umane se nasc libere și egale în demnitate și în drepturi.'],
    ['ru', 'Все люди рождаются свободными и равными в своем достоинстве и правах.'],
    ['uk', 'Всі люди народжуються вільними і рівними у своїй гідності та правах.'],
    ['fr', 'Tous les êtres humains naissent libres et égaux en dignité et en droits.'],
    ['el', 'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι'],
    ['zh', '诺曼底位于哪个国家?'],
    ['zh', '什么是Super Bowl 50的比赛结果?'],
    ['ja', '東京タワーは高い'],
    ['ko', '모든 인간은 태어날 때부터 자유로우며'],
    ['th', 'มนุษย์ทั้งหลายเกิดมามีอิสระ'],
    ['ar', 'يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق'],
    ['hi', 'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है'],
  ])('%s: %s', (language, text) => {
    expect(detectLanguage(text)).toBe(language)
  })

  test.each([
    '',
    '   ',
    '12345 67.8',
    'Table 2',
    '😀😀😀',
    '\0\0\0',
    'https://example.com/the/way/of/the/world',
  ])('%p has none', (text) => {
    expect(detectLanguage(text)).toBe('und')
  })

  test('the language around it stands for what is too short or could be either', () => {
    expect(detectLanguage('Table 2', 'ro')).toBe('ro')
    expect(detectLanguage('Lindisfarne are a folk-rock gr')).toBe('no')
    expect(detectLanguage('Lindisfarne are a folk-rock gr', 'en')).toBe('en')
    expect(detectLanguage('Die Würde des Menschen ist unantastbar.', 'en')).toBe('de')
    expect(detectLanguage('诺曼底位于哪个国家?', 'en')).toBe('zh')
  })

  test('a long text takes no longer than its beginning', () => {
    const started = performance.now()
    for (const text of [
      'a'.repeat(5_000_000),
      '<'.repeat(5_000_000),
      '@'.repeat(5_000_000),
      '_1'.repeat(2_000_000),
    ])
      detectLanguage(text)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

describe.skipIf(!hasShared)('paragraphs of XQuAD (needs the shared data, see MENTOR_SHARED)', () => {
  test.each(['en', 'ro', 'ru', 'zh'])('%s: every one of the 240', (language) => {
    for (const document of readXquad(language).documents) expect(detectLanguage(document.text)).toBe(language)
  })
})
