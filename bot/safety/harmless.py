"""Phrases in which words of the hard rules mean something else."""

from bot.safety.terms import words

# Names, titles and idioms.
HARMLESS = words("""
    maki gamin, meninas mcallon, shota rustaveli, rustaveli shota, sundance kid, karate kid,
    kid rock,
    cisco kid,
    destiny's child, destinys child, flower child, child's pose, childs pose, child's seat,
    child seat, child lock, children's hospital, children's library, childrens hospital, kids menu,
    kids meal, kindergarten cop, infant jesus, baby it's cold outside, baby oil, baby carrot,
    baby carrots, baby corn, baby tooth, baby driver, million dollar baby, baby shower,
    baby monitor, baby boomer, baby boomers, baby grand, baby yoda, baby groot, baby shark,
    baby spinach, baby tomato, baby tomatoes, junior high heels, las meninas, meninas velazquez,
    여아이돌, 恐竜の赤ちゃん, aizawa shota, shota aizawa, shota imanaga, imanaga shota, luna child,
    child's drawing, childs drawing, destiny child, chaos child, child's play, childs play,
    child box, cursed child, child of light, child safety seat, child resistant, moon child,
    red star child, sugar haw child, paper child, inner child, wild child, brain child,
    devil child, child emperor, childhood friend, childhood friends, childhood friend chan,
    advent children, tsurezure children, zettai karen children, children of the light,
    beltorchika's children, state of children, children's book, childrens book, children's day,
    emperor's children, children of the rune, fantastic children, wolf children, problem children,
    children of the whales, kid icarus, kaitou kid, kaito kid, billy kid, billy the kid,
    kid chrono cross, eustass kid, captain kid, death the kid, kid cobra, kid buu, bigmt kid,
    kid kidocchi, kid nicca, gp kids, kids on the slope, kid gloves, kid cudi,
    kids with good instincts, kiddy grade, kill me baby, baby bottle, baby blue, baby's breath,
    babys breath, baby 5, holika baby, spider baby, envy baby, kocchi muite baby, baby walkure,
    boonie baby, monge baby, baby dragon ball, baby face stand, baby luma, baby spice, baby face,
    aishiteruze baby, baby steps, baby stick, baby vegeta, babibu baby, baby doll, baby dolls,
    baby pink, baby powder, baby grand piano, baby bonnie hood, baby metal, baby bao, baby hair,
    baby hairs, baby's tears, teen titans, aqua teen hunger force, teen 629, teen romantic comedy,
    teenage mutant ninja turtles, teenage robot, teenage kraken, teenage engineering, youjo senki,
    oota youjo, youjo creek, youjo modoki, mahoroba youjo kitan, mousou youjo, youjo yuurei,
    kodomo no hi, kodomo no omocha, ookami kodomo, ore no kodomo, kindergarten teacher,
    preschool teacher, elementary school teacher, middle school teacher, minatsuki randoseru,
    minazuki randoseru, naoko juvenile, juvenile vocaloid, ruri juvenile, meiji schoolgirl uniform,
    wild huntress schoolgirl, schoolgirl uniform, schoolgirl strikers, kiddie pool, science babies,
    baby assassins, child drawing, hanamaru kindergarten, lives of high school boys,
    high school girls cycling club, adolescence of utena, younger prince, younger sister,
    younger brother, younger twin, schoolboy uniform, school girl strikers, school girl mode,
    kiddie ride, kiddy girl and, beatrix kiddo, kidd, utena adolescence, adolescence vocaloid,
    academic adolescence, danshi koukousei, choujin koukousei, armed high school girls,
    a minor key, a minor scale, a minor chord, a minor detail, a minor injury, first grade quality,
    gamme mineure, tierce mineure, sixte mineure, 二十代, 三十代, 四十代, 五十代, 六十代, 七十代,
    八十代, 九十代, 女孩子, 男孩子, 萝莉塔, 아기자기, 페도라, 로리타, 幼女戦記, 幼女战记, 正太郎,
    小萝卜, 小蘿蔔, 小萝卜头, ロリータ, ゴスロリ, プロリーグ, 子供の日, こどもの日, 글로리
""")

_ANIMALS = words("""
    elephant, lion, tiger, bear, panda, seal, deer, fox, rabbit, bunny, wolf, cat, dog, duck,
    chick, owl, bird, penguin, dragon, dinosaur, turtle, tortoise, whale, dolphin, shark, otter,
    hedgehog, raccoon, squirrel, monkey, gorilla, hippo, rhino, giraffe, zebra, horse, goat, sheep,
    lamb, cow, calf, pig, piglet, crocodile, alligator, snake, lizard, frog, hamster, mouse, bat,
    kangaroo, koala, sloth, griffin, phoenix, unicorn, dragonfly, octopus, squid, slime, axolotl,
    capybara, alpaca, llama, camel, raptor, wyvern, animal
""")
_COLOURS = words("yellow, green, purple, violet, lavender, white, mint, peach, cream, lilac, red")
_FURNITURE = words("bed, crib, cot, carriage, stroller, pram, gate, chair, seat, walker, toy, toys")

# Things and animals: harmless unless a word for a person follows.
THINGS = (
    *(f"baby {animal}{ending}" for animal in _ANIMALS for ending in ("", "s")),
    *(f"baby {colour}" for colour in _COLOURS),
    *(f"{whose} {thing}" for whose in ("baby", "toddler") for thing in _FURNITURE),
    *words("goat kid, goat kids, kid goat, kid goats, elephant baby, panda baby"),
)

# Of sexual words.
SEXUAL_HARMLESS = words("""
    dick dastardly, naked mole rat, naked mole rats, naked neck chicken, nude color, nude colour,
    nude palette, nude lipstick, nude tone, nude tones, nude heels, nude beige, pussy willow,
    pussy willows, pussycat, strip of paper, strips of paper, strip of cloth, paper strip,
    paper strips, bacon strip, comic strips, cock and hen, hen and cock, weather cock, nu gundam,
    nude shoes, anal fin, undressed salad, undressed wood, nude pumps, moby dick, dick grayson,
    cock a doodle, strip mall, comic strip, film strip, power strip, naked snake, penetration test,
    sex pistols, cum laude, 裸足, 赤裸々
""")

# Of words for living people.
REAL_PERSON_HARMLESS = words("""
    真人快打, anime in real life, real girl project, realman, celeb summer, mount celeb
""")

# Of words for adults.
ADULT_HARMLESS = words(
    "adult content, adult theme, adult themes, adult humor, adult baby, 未成年, 未成熟"
)
