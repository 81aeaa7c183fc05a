/**
 * Names in archives are bytes, and few formats say in which code page: a zip that was packed in Japan holds Shift-JIS,
 * one from an old Russian Windows CP866, one from Linux UTF-8 without its flag. What is UTF-8 is read as that. The other
 * names of an archive are looked at together, since one packer wrote them all: each code page in which all of them can
 * be read is given points for what its text looks like, and the best one reads them.
 *
 *     93 fa 96 7b 8c ea      Shift-JIS 日本語   (three common kanji)      GBK 擔杮岅 (three rare hanzi)
 *     81 62 65 72            CP437     über     (a letter among letters)  Windows-1252 not valid: 81 is no character
 *
 * Every byte has a character in CP437, so that no name ever becomes U+FFFD.
 */
import { isUtf8 } from 'node:buffer'

/** The upper half of CP437, from 0x80: the code page of DOS, which zip falls back to. */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0'
/** The upper half of CP850: DOS in Western Europe. */
const CP850 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0'
/** The upper half of CP852: DOS in Central Europe. */
const CP852 =
  'ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u00ad˝˛ˇ˘§÷¸°¨˙űŘř■\u00a0'

type Decode = (bytes: Uint8Array) => string | null

interface CodePage {
  readonly decode: Decode
  /** Points of one character outside ASCII; `raw` is how many bytes it took. */
  readonly points: (character: string) => number
  /** Added where pages come out alike: how often archives hold it. */
  readonly ahead: number
}

function registered(label: string): Decode {
  const decoder = new TextDecoder(label, { fatal: true })
  return (bytes) => {
    try {
      const text = decoder.decode(bytes)
      // Control characters of C1 and private characters stand for bytes that the page does not have.
      return /[\u0080-\u009f\ue000-\uf8ff]/.test(text) ? null : text
    } catch {
      return null
    }
  }
}

function byTable(upper: string): Decode {
  return (bytes) => {
    let text = ''
    for (const byte of bytes) text += byte < 0x80 ? String.fromCharCode(byte) : (upper[byte - 0x80] ?? '?')
    return text
  }
}

/** The characters that a double-byte page puts into its rows for common ones. */
function commonIn(label: string, leads: readonly (readonly [from: number, to: number])[], trails: readonly number[]) {
  const decoder = new TextDecoder(label)
  const common = new Set<string>()
  for (const [from, to] of leads) {
    for (let lead = from; lead <= to; lead++) {
      for (let trail = trails[0] ?? 0; trail <= (trails[1] ?? 0); trail++) {
        const [character, ...more] = decoder.decode(new Uint8Array([lead, trail]))
        if (character !== undefined && more.length === 0 && character !== '\ufffd') common.add(character)
      }
    }
  }
  return common
}

/** What names are often written with, apart from rows of common characters. */
const frequentHan = new Set(
  '的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言权往展该领传近留红治决周保达办运武半候七必城父强步完革深区即求品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱党倒未持取设始版双历越史商千片容研像找友孩站广改议形委早房音火际则首单据导影失拿网香似斯专石若兵弟谁校读志飞观争究包组造落视济喜离虽坏兴约型件简历发票合同报价单订货清表格资料新建夹测试病毒样本文档图片软件程序安装' +
    '個們來說國時會這為後過對學還發見經頭長現樣將與進實點種聲話兒問機給幾業間電門東關軍產萬體別處總場師書員報馬張難數車應路計務邊風戰幹許覺題統請愛讓認論術結連遠資隊帶條變聯權傳遠紅決達辦運黨錢設雙歷版單據網專爭視濟離約簡發票報價訂貨資料夾測試檔圖軟體程式請求書見積納品契約議事録会議資料報告案内',
)
const frequentHangul = new Set(
  '이다는의에을가고하지한은로도기사를어그리인아자나서시대있과해것수으정라일보들전제부와게만장여상오했주유동구면스모공조우원선소안성마없신관무경연비국실위생거방학적문용계세요미건년차진화행개회체저치때민당반단중말되금물통내명분강재식산입출영결현력황청견서류견적한글이력설치파일사진',
)

/** Points in pages of two bytes: a frequent character is as good as can be, a rare one says little. */
function eastAsian(common: ReadonlySet<string>, own: RegExp, frequent: ReadonlySet<string>): CodePage['points'] {
  return (character) => {
    if (frequent.has(character)) return 2.5
    if (own.test(character)) return 2.6
    if (common.has(character)) return /\p{Script=Han}/u.test(character) ? 1.8 : 1.6
    if (/[\u3000-\u303f\uff01-\uff5e]/.test(character)) return 1.2
    if (/[\uff61-\uff9f]/.test(character)) return -1
    return /\p{Script=Han}/u.test(character) ? -0.6 : -1.5
  }
}

/** Points in pages of one byte: letters of the alphabet are likely in a name, lines and signs are not. */
function alphabetic(frequent: RegExp, rare: RegExp): CodePage['points'] {
  return (character) => {
    if (frequent.test(character)) return 0.9
    if (rare.test(character)) return 0.6
    return /\p{L}|[«»°€–—‘’“”…·]/u.test(character) ? 0.1 : -1
  }
}

const western = alphabetic(/[äöüßÄÖÜéèêàáãçñíóúâåæø]/, /[ëìîïòôõùûÆÅÉÑÇØÁÍÓÚÀÈ]/)
const central = alphabetic(/[ąćęłńóśźżáčďéěíňřšťúůýžöüőű]/, /[ĄĆĘŁŃŚŹŻÁČĎÉÍŇŘŠŤÚŮÝŽÖÜŐŰäăâîşţĂÂÎŞŢ]/)
const turkish = alphabetic(/[çğışöüİŞ]/, /[ÇĞÖÜâî]/)
const greek = alphabetic(/[αειοντσςρκπλημ]/, /[α-ωά-ώΑ-ΩΆ-Ώ]/)
const cyrillic = alphabetic(/[оеаинтсрвлкмдпуО-СЕАИНТРВЛКМДПУ]/, /[а-яА-ЯёЁіїєґІЇЄҐ№]/)
const hebrew = alphabetic(/[יוהלאמתרשבנם]/, /[א-ת]/)
const arabic = alphabetic(/[اليمنوترهبسدحعف]/, /[ء-ي]/)
const thai = alphabetic(/(?!)/, /[ก-๙]/)

function codePages(): readonly CodePage[] {
  const range = (from: number, to: number) => [from, to] as const
  const kana = /[\u3040-\u30ff]/
  const none = /(?!)/
  const shiftJis = commonIn('shift_jis', [range(0x88, 0x97)], [0x40, 0xfc])
  const gb = commonIn('gb18030', [range(0xb0, 0xd7)], [0xa1, 0xfe])
  const big5 = commonIn('big5', [range(0xa4, 0xc6)], [0x40, 0xfe])
  const hangul = commonIn('euc-kr', [range(0xb0, 0xc8)], [0xa1, 0xfe])
  const eucJp = commonIn('euc-jp', [range(0xb0, 0xcf)], [0xa1, 0xfe])
  return [
    { decode: registered('shift_jis'), points: eastAsian(shiftJis, kana, frequentHan), ahead: 0.04 },
    { decode: registered('gb18030'), points: eastAsian(gb, none, frequentHan), ahead: 0.05 },
    { decode: registered('big5'), points: eastAsian(big5, none, frequentHan), ahead: 0.02 },
    { decode: registered('euc-kr'), points: eastAsian(hangul, none, frequentHangul), ahead: 0.03 },
    { decode: registered('euc-jp'), points: eastAsian(eucJp, kana, frequentHan), ahead: 0 },
    { decode: registered('ibm866'), points: cyrillic, ahead: 0.05 },
    { decode: registered('windows-1251'), points: cyrillic, ahead: 0.04 },
    { decode: registered('koi8-r'), points: cyrillic, ahead: 0 },
    { decode: byTable(CP437), points: western, ahead: 0.04 },
    { decode: byTable(CP850), points: western, ahead: 0.03 },
    { decode: registered('windows-1252'), points: western, ahead: 0.05 },
    { decode: registered('windows-1250'), points: central, ahead: 0.01 },
    { decode: byTable(CP852), points: central, ahead: 0 },
    { decode: registered('windows-1253'), points: greek, ahead: 0.01 },
    { decode: registered('windows-1254'), points: turkish, ahead: 0 },
    { decode: registered('windows-1255'), points: hebrew, ahead: 0 },
    { decode: registered('windows-1256'), points: arabic, ahead: 0 },
    { decode: registered('windows-874'), points: thai, ahead: 0 },
  ]
}

let pages: readonly CodePage[] | null = null
/** So much of an archive's names tells the page. */
const LOOKED_AT = 256

/** The names of one archive as text, in the same order. */
export function decodeNames(names: readonly Uint8Array[]): string[] {
  const unclear = names.filter((name) => !isUtf8(name))
  const decode = unclear.length > 0 ? bestPage(unclear) : decodeCp437
  return names.map((name) => (isUtf8(name) ? Buffer.from(name).toString('utf8') : (decode(name) ?? decodeCp437(name))))
}

const decodeCp437 = byTable(CP437) as (bytes: Uint8Array) => string

function bestPage(names: readonly Uint8Array[]): Decode {
  pages ??= codePages()
  const looked = [...new Map(names.slice(0, 4 * LOOKED_AT).map((name) => [Buffer.from(name).toString('latin1'), name]))]
    .slice(0, LOOKED_AT)
    .map(([, name]) => name)
  let best: { readonly decode: Decode; readonly points: number } = { decode: decodeCp437, points: -Infinity }
  for (const { decode, points, ahead } of pages) {
    const read = looked.map((name) => decode(name))
    if (read.includes(null)) continue
    const sum = pointsOf(looked, read as string[], points)
    if (sum + ahead > best.points) best = { decode, points: sum + ahead }
  }
  return best.decode
}

/** Points a byte outside ASCII, so that pages of one byte and of two are held against each other. */
function pointsOf(names: readonly Uint8Array[], texts: readonly string[], points: CodePage['points']): number {
  let sum = 0
  let bytes = 0
  names.forEach((name, i) => {
    const text = texts[i] ?? ''
    // In a page of two bytes the second may look like ASCII.
    const plain = [...text].filter((character) => character < '\u0080').length
    bytes += name.length - plain
    const characters = [...text]
    characters.forEach((character, at) => {
      if (character < '\u0080') return
      sum += points(character) + amid(character, characters[at - 1] ?? '', characters[at + 1] ?? '')
    })
  })
  return sum / Math.max(1, bytes)
}

/** Points for the company that a character keeps: words keep to one script, and accents stand among plain letters. */
function amid(character: string, before: string, after: string): number {
  // A capital behind a small letter tells CP866 from Windows-1251, and both from KOI8-R.
  let points = /\p{Ll}/u.test(before) && /\p{Lu}/u.test(character) ? -0.8 : 0
  const plainSides = Number(/[a-z]/i.test(before)) + Number(/[a-z]/i.test(after))
  if (/\p{Script=Latin}/u.test(character)) {
    if (plainSides > 0) points += 0.3
    else if (/[^\0-\x7f]/.test(before) || /[^\0-\x7f]/.test(after)) points -= 0.9
  } else if (/\p{L}/u.test(character)) {
    const isWide = /[\u1100-\uffff]/.test(character)
    if (plainSides > 0) points -= isWide ? 1.2 * (plainSides - 0.5) : 1.2
  }
  return points
}
