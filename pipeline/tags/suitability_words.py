"""The words by which `pipeline.tags.suitability` rates tags.

A phrase has one to three words and matches whole words; a root matches anywhere in a name. Written
against Danbooru's tag groups (sex acts, nudity, attire) and the names in use at the end of 2024.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pipeline.rating import Rating


def _list(text: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())


NEVER: Final = _list("""
    loli, lolis, lolicon, lolidom, lolibaba, oppai loli, lolification, lolified, shota, shotas,
    shotacon, shotadom, shotajiji, onee shota, onee loli, onii loli, onii shota, oneeshota,
    oneshota, oniishota, toddlercon, toddler con, kodomo doushi, mesugaki, child on child, child
    abuse, child porn, child pornography, cunny, pedo, pedophile, pedophilia, jailbait, ロリ,
    ロリコン, ショタ, ショタコン, メスガキ, おねショタ
""")
NEVER_HARMLESS: Final = _list("aizawa shota, shota aizawa, shota imanaga")

MINOR: Final = _list("""
    child, children, childlike, kid, kids, baby, babies, newborn, infant, infants, toddler,
    toddlers, aged down, age regression, age regressed, younger, young girl, young boy, little
    girl, little boy, preteen, prepubescent, teenage, teenager, teen, underage, minor, minors,
    kindergarten, kindergartener, preschool, preschooler, elementary, elementary school,
    elementary schooler, elementary student, grade schooler, primary school, middle school,
    middle schooler, junior high, schoolgirl, schoolboy, randoseru, youjo, kodomo, shougakusei,
    yochien, kindergarten uniform, male child, female child, flat chested child
""")
MINOR_HARMLESS: Final = _list("""
    childhood friend, destiny child, chaos child, luna child, kid icarus, kaitou kid, billy the
    kid, younger sister, younger brother, childs drawing, child s drawing, children s day, depth
    charge, baby s breath, baby blue, youjo senki, teen titans, death the kid
""")

# Acts, genitals, fluids, toys: Danbooru's Explicit.
EXPLICIT: Final = _list("""
    explicit, sex, sexual, sexually explicit, gangbang, threesome, foursome, orgy, rape, raped,
    rapist, cum, precum, cumming, cumdrip, cumdump, cumshot, creampie, bukkake, facial,
    ejaculating, squirting, female ejaculation, penis, penises, dick, dicks, cock, cocks,
    phallus, phallic, glans, foreskin, phimosis, smegma, scrotum, testicle, testicles, balls
    out, ballbusting, testicle grab, erection, erect, half erect, pussy, vagina, vaginal, vulva,
    labia, cervix, uterus, womb tattoo, womb, clit, clitoris, anal, anus, asshole, rectum,
    prolapse, rimming, anilingus, anal beads, butt plug, enema, fellatio, blowjob, irrumatio,
    deepthroat, cunnilingus, oral, oral invitation, paizuri, naizuri, handjob, footjob,
    thighjob, buttjob, armjob, hairjob, feetjob, gokkun, fingering, fisting, masturbation,
    masturbating, frottage, tribadism, scissoring, grinding, humping, crotch rub, dry humping,
    grinding on, intercrural, hotdogging, missionary, doggystyle, cowgirl position, suspended
    congress, upright straddle, mating press, full nelson, amazon position, prone bone,
    spitroast, piledriver position, boy sandwich, girl sandwich, spoons position, reverse
    cowgirl, pegging, strap on, double penetration, penetration, imminent penetration, imminent
    anal, insertion, object insertion, impregnation, impregnated, breeding, mating, creampied,
    sex toy, dildo, vibrator, egg vibrator, magic wand, onahole, fleshlight, sex machine, sex
    doll, milking machine, cock ring, chastity cage, chastity belt, condom, condoms, used
    condom, ahegao, orgasm, fucked silly, torogao, afterglow, after sex, after anal, after
    masturbation, after rape, molestation, molested, chikan, groping, bestiality, zoophilia,
    tentacle rape, tentacles under clothes, consensual tentacles, tentacle pit, futanari, futa,
    futasub, dickgirl, newhalf with, full package, animal penis, glory hole, gloryhole, stuck in
    wall, through wall, public use, prostitution, prostitute, sex slave, slave market, body
    writing, tally, netorare, ntr, cuckold, exhibitionism, lactation, breast
    sucking, nipple sucking, breastfeeding, nursing, urethral, urethra, peeing, pee, peed,
    urine, urination, golden shower, omorashi, have to pee, scat, feces, pooping, defecation,
    diaper, watersports, vore, guro, ero guro, snuff, necrophilia, incest, cross section,
    internal cumshot, stomach bulge, ovum, sperm, spermatozoon, fertilization, semen, gag
    harness, ball gag, mind break, free use, deflowering, defloration, bloody virginity,
    virginity, spread pussy, spread anus, spread ass, presenting, presenting ass, pubic tattoo,
    love juice, anal tail, spreader bar, nipple clamps, bdsm, forced orgasm, orgasm denial,
    edging, crotch rope, wooden horse, licking penis, penis awe, invisible man, cunt, twat,
    fuck, fucked, fucking, whore, slut, bitch suit, cumflation, they had lots, you gonna get,
    aphrodisiac, cocksucking, teabagging, autofellatio, autopaizuri, sixty nine, 69, nyotaimori,
    wakamezake, implied masturbation, implied futanari, ass to ass, size difference penis,
    sexual coaching, implied fellatio, simulated fellatio, simulated sex, simulated handjob,
    sockjob, glovejob, tailjob, cooperative paizuri, straddling paizuri, male on futa,
    dominatrix, femdom, cbt, pet play, human furniture, human toilet, milking, bulge licking,
    セックス, 中出し, フェラ, 性交, エロ
""")
EXPLICIT_ROOTS: Final = (
    "penis", "pussy", "vagin", "clitor", "masturbat", "fellat", "ejaculat", "cunniling", "testic",
    "dildo", "vibrator", "orgasm", "bukkake", "futanari", "paizuri", "naizuri", "cumshot", "ahegao",
    "handjob", "blowjob", "footjob", "creampie", "gangbang", "urethra", "hentai", "porn", " semen",
    "rape ", " rape", "bestial", "molest", "irrumat", "deepthroat", "anilingus", "impregnat",
    "sex ", "nakadashi", "chinpo", "ochinchin", "manko ", "ecchi ",
)  # fmt: skip

# Nudity, fetish and strong suggestion: Danbooru's Questionable.
NSFW: Final = _list("""
    nsfw, questionable, nude, nudes, nudity, nudist, naked, topless, bottomless, breasts out,
    breast out, one breast out, bare breasts, breastless clothes, bare ass, ass focus, nipple,
    nipples, areola, areolae, areolas, nippleless clothes, areola slip, nipple slip, breast
    slip, cameltoe, pubic, pubic hair, anal hair, crotchless, crotch, no panties, no bra, no
    underwear, cupless bra, open bra, bra lift, bra pull, panty pull, panties aside, panties
    around, swimsuit aside, bikini aside, bottom aside, thong aside, swimsuit pull, bikini pull,
    bikini lift, top lift, leotard aside, leotard pull, another s breast, another s ass,
    grabbing own breast, breast grab, guided breast grab, ass grab, grabbing own ass, torso
    grab, crotch grab, bondage, shibari, bound, restrained, restraints, stationary restraints,
    gag, gagged, tape gag, bit gag, cleave gag, leash, chain leash, holding leash, suspension,
    spanking, spanked, whip marks, slave, slaves, collared slave, sexually suggestive,
    suggestive fluid, sexual innuendo, aroused, arousal, horny, in heat, pervert, undressing
    another, striptease, stripper, stripping, strip game, strip club, lap dance, pole dancing,
    pantyshot, upskirt, panty peek, panty shot, voyeurism, caught, flashing, public indecency,
    lube, wet panties, stained panties, through panties, ass visible, bra visible, panties
    visible, nipples visible, see through, covered nipples, erection under, bulge, penis under,
    huge ass, gigantic breasts, breast expansion, breast squeeze, breast smother, breast rest
    sex, breast envy, hand in panties, hand under clothes, underwear sniffing, panties on head,
    clothed nude, censored, uncensored, mosaic censoring, bar censor, convenient censoring,
    heart censor, hair over breasts, hair over crotch, covering breasts, covering crotch,
    covering nipples, covering privates, covering ass, covering one breast, nude cover, breast
    suppress, pasties, maebari, bandaids on nipples, tape on nipples, reverse bunnysuit, reverse
    outfit, micro bikini, micro panties, micro bra, slingshot swimsuit, virgin destroyer, virgin
    killer, naked apron, naked towel, naked shirt, naked ribbon, naked sheet, spread legs, wide
    spread legs, straddling, facesitting, sitting on face, face to breasts, head between
    breasts, face between breasts, hand between legs, leg between thighs, m legs, top down
    bottom up, jack o challenge, licking nipple, licking breast, licking ass, french kiss,
    saliva trail, tentacles, tentacle, tentacles on male, hypnosis, mind control, brainwashing,
    corruption, amputee, torture, gore, intestines, decapitation, severed head, dismemberment,
    cannibalism, lust, lustful, love hotel, brothel, erotic, eroge, ero, ecchi, lewd, hardcore,
    softcore, adult video, av actress, pregnant, pregnancy, fetish, foot fetish, smelling feet,
    licking foot, foot worship, toe sucking, armpit licking, licking armpit, puffy nipples,
    breasts on, breast bondage, body paint nude, butt crack, ass cutout, ass press, bouncing
    ass, bouncing breasts, hanging breasts, wet breasts, oiled breasts, gigantic ass, presenting
    breasts, breast tattoo, breast focus, breast hold, breast press, breast lift, breasts
    squeezed together, breast milk, object on breast, between breasts, bathing, shared bathing,
    taking off underwear, holding panties, holding underwear, holding bra, unworn panties,
    unworn bra, clothed female nude, clothed male nude, peeping, groin focus, condom packet,
    condom wrapper, sex ed, doujin cover, prolapsed, drugged, date rape, bitch, mature content,
    r 18, r18, 18, fanservice, fundoshi, jockstrap, loincloth aside, human trafficking, pillory,
    stocks, breastplate open, torn panties, torn bra, おっぱい, 裸, 全裸, 乳首, 下着姿, 巨根,
    パンチラ
""")
NSFW_ROOTS: Final = (
    "nipple", "areola", "pubic", "genital", "nude", "naked", "topless", "bottomless", "bdsm",
    "shibari", "bondage", "sexual", "tentacl", "fetish", "erotic", "crotch", "oppai",
)  # fmt: skip

# Swimsuits, underwear, mild suggestion, injuries: Danbooru's Sensitive.
SENSITIVE: Final = _list("""
    sensitive, breast, breasts, boobs, cleavage, sideboob, underboob, ass, butt, buttocks,
    underbutt, swimsuit, swimsuits, bikini, bikinis, swimwear, swim trunks, one piece swimsuit,
    underwear, panties, panty, pantsu, bra, bras, lingerie, thong, g string, boxers, briefs,
    boxer briefs, male underwear, garter straps, garter belt, bustier, negligee, babydoll,
    chemise, bodystocking, pantyhose, fishnets, fishnet, leotard, playboy bunny, bunnysuit,
    bunny suit, loincloth, sarong, microskirt, micro shorts, miniskirt lift, latex, bikini
    armor, thighs, thick thighs, thigh gap, inner thigh, groin, hip focus, wide hips, curvy,
    voluptuous, milf, gilf, midriff peek, skirt lift, dress lift, shirt lift, clothes lift,
    clothes pull, pants pull, shorts pull, skirt pull, shirt pull, dress pull, kimono pull,
    kimono lift, apron lift, lifted by self, lifting own clothes, lifting another s, wind lift,
    pulling own clothes, undressing, partially undressed, unbuttoned, partially unbuttoned,
    unzipped, open clothes, wardrobe malfunction, strap slip, wet clothes, wet shirt, wet dress,
    wet swimsuit, torn clothes, towel only, bath, bathing, onsen, shower, showering, bare back,
    bare pectorals, pectorals, large pectorals, pectoral cleavage, pectoral focus, underpec,
    sexy, kiss, kissing, surprise kiss, implied kiss, licking, sucking, finger sucking, finger
    in mouth, licking lips, suggestive, aftermath, moaning, heavy breathing, sleeping naked,
    skinny dipping, handcuffs, handcuffed, rope, collar sex, bdsm outfit, whip, choking,
    strangling, strangulation, blood, bleeding, bloody, injury, corpse, suicide, hanging,
    stabbed, impaled, wound, wounds, foot focus, soles, barefoot sex, toe scrunch, armpit,
    armpits, armpit peek, armpit focus, navel focus, sweaty, very sweaty, steaming body, drunk,
    tan lines, tanlines, bikini tan, one piece tan, spandex sex, pole, hot spring, pov crotch,
    looking at breasts, looking at ass, yaoi, implied yuri, bara, succubus, incubus, gluteal
    fold, seductive, dimples of venus, breast pocket, breast rest, boob window, cleavage cutout,
    underboob cutout, hand on own ass, hand on own breast, hands on ass, hand on another s ass,
    flat chest, petite, large breasts, huge breasts, small breasts, medium breasts, no pants,
    bottom only, top only, shirt only, underwear only, school swimsuit, buruma, competition
    swimsuit, string bikini, side tie bikini, sling bikini top, tankini, dudou, sports bra,
    bralette, strapless bra, bandeau, jiggle, boob, tits, booty, viewer on leash, leg grab,
    thigh grab, pinned down, pinned to, girl on top, on top, lying on person, imminent kiss, 水着,
    下着, ビキニ, パンツ, 巨乳, 貧乳
""")
SENSITIVE_ROOTS: Final = (
    "bikini", "swimsuit", "panties", "lingerie", "underwear", "breasts", "cleavage", "sideboob",
    "underboob", "pantyhose", "leotard", "upskirt",
)  # fmt: skip

# Phrases in which those words mean something else.
HARMLESS: Final = _list("""
    oral fixation, strap on shoes, tied up nonsexual, bound wrists nonsexual, breast pocket,
    hair bound, bound feet, facial hair, facial mark, facial tattoo, facial scar, facial hair
    stubble, facial paint, facial expressions, facial piercing, bubble pipe, cock a doodle, dick
    dastardly, cross section of food, cross section of fruit, rooster, weather cock, magic wand
    raising, unsheathing, condominium, erect ears, erect tail, hair in mouth, rope belt, jump
    rope, rope bridge, tightrope, shimenawa, rope walking, climbing rope, bra strap doll, panty
    and stocking, panty stocking, panty stocking with, panty psg, tentacle hair, shoe soles,
    boot soles, android 18, melty blood, phantom blood, strike the blood, white blood cell, red
    blood cell, rice shower, baby shower, meteor shower, kimi kiss, kiss shot acerola, kiss x
    sis title, dick gumshoe, gore magala, death the kid, hanging plant, hanging light, hanging
    scroll, hanging lantern, clothes hanging, hanging basket, blood moon, blood type, blood bag,
    blood type a, blood orange, high heels, pole vault, ski pole, fishing pole, utility pole,
    totem pole, telephone pole, street pole, north pole, hip hop, rose hips, death star, death
    note, hip flask, bird bath, bath toy, baby bath, bath stool, wet hair, wet floor, wet
    footprints, naked snake, cum laude, moby dick, dick grayson, film strip, power strip, comic
    strip, speed bump, phallic symbol doll, ass meat, jackass, 18th century, chocolate milk,
    milking cow, baby bottle feeding, inflation adjusted, caught fishing, whip cream, whipped
    cream, womb to tomb, grinding stone, coffee grinding, bitch puddin, penetration test, grim
    reaper, grape, skyscraper, therapist, cockpit, cockatiel, cockatoo, cockroach, cocktail,
    peacock, shuttlecock, hancock, hitchcock, dickens, sussex, essex, middlesex, unisex, sextuplets,
    ecchi no, censored text, bar censor meme, character censor, kiss mark on paper, chef kiss,
    chef s kiss, kiss fm, death knight, sexes, on top of, on head, pinned hair, hair pinned,
    grindstone, brand new animal, open mouth, condor
""")

# What is not suggested everywhere for non-sexual reasons.
NOT_SEXUAL: Final = _list("""
    blood, bleeding, bloody, blood on, blood from, injury, wound, wounds, corpse, suicide, hanging,
    stabbed, impaled, strangling, strangulation, choking, handcuffs, handcuffed, rope, whip, whip
    sword, holding whip, leash, holding leash, leash pull, pole, holding pole, shower head, drunk,
    kissing cheek, kissing forehead, kissing hand, blowing kiss, chef s kiss, wet clothes, torn
    clothes, loincloth, sarong, pantyhose, latex gloves, heavy breathing, steaming body, lying on
    person, gore, intestines, decapitation, severed head, dismemberment, cannibalism, torture,
    amputee, hypnosis, mind control, brainwashing, corruption, caught, cheek bulge, doujin cover,
    suspension, tentacles, tentacle, diaper, tally, through wall, invisible man, human trafficking,
    stocks, pillory, 18
""")

# Whole names that words alone would rate wrongly.
RATED: Final[Mapping[str, Rating]] = MappingProxyType(
    {
        f" {name} ": rating
        for rating, names in {
            Rating.SAFE: """
                rating safe, safe, general, no blood, bathtub, bath, bath yukata, on top,
                cross section, rope, pole, barefoot, whip, petite, no humans
            """,
            Rating.SENSITIVE: "rating sensitive, same sex bathing, spread legs, straddling, yuri",
            Rating.NSFW: "rating questionable, mixed sex bathing, exhibitionism",
            Rating.EXPLICIT: "rating explicit",
        }.items()
        for name in _list(names)
    }
)
