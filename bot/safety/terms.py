"""The word lists of the hard rules, and the phrases in which those words are harmless.

Written in plain spelling: the matcher sees through disguises, plurals stand here. Terms match as
whole words inside a tag, spaces in them are optional. Source: Danbooru's tag wiki and the tag list
of end 2024; `docs/moderation.md` reports what they refuse over that whole list.
"""


def _list(text: str) -> tuple[str, ...]:
    return tuple(" ".join(term.split()) for term in text.split(",") if term.strip())


# Sexualised minors by definition of the word: refused at every rating.
MINOR_CODED = _list("""
    loli, lolis, lolies, loli girl, loligirl, loligirls, lolicon, lolicons, lolikon,
    loli kon, rorikon, roricon, lolidom, lolibaba, loli baba, lolification, lolified,
    loli body, lolibody, legal loli, oppai loli, onee loli, onii loli, loliboy, lolicore, lolisex,
    lolifox, lolicat, lolivamp, loli sex, lolichan, lolikun, lolisama, lolihime, lolikid,
    lolibait, lolislut, lolibitch, lolipussy, lolichick, shotakun, shotachan, shota kid,
    shota, shotas, shotacon, shotacons, shotakon, shotadom, shotaboy, shota boy, shotajiji,
    onee shota, onii shota, oneshota, oneeshota, oniishota, straight shota,
    toddlercon, toddlersex, toddlerkon, babycon, kodocon, kodomo doushi, child on child,
    mesugaki, mesu gaki, osugaki, cunny, cunnies, lolicunny,
    paedo, paedos, child prn, child p rn,
    pedo, pedos, pedophile, pedophiles, pedophilia, paedophile, paedophilia, pedobear, pedobait,
    jailbait, jail bait, child porn, child pornography, childporn, kiddie porn, kiddy porn, csam,
    child abuse, child molestation, molested child,
    ロり, ろリ, 囗リ, ショた, しょタ, シょタ, ろりこん, ろりっこ, ろりっ子, しょたこん, しょたっ子,
    おねしょた, おにしょた, ロリ, ローリ,
    ロリロリ, ロリコン, ロリっ子, ロリっこ, ロリ巨乳, ロリババア,
    ロリータコンプレックス,
    合法ロリ, ロリビッチ, 口リ, 口リコン, ショタ, ショタコン, ショタっ子, おねショタ, おにショタ,
    おねロリ, メスガキ, めすがき, 雌ガキ, ペドフィリア, ペド, 小児性愛, 児童ポルノ, 小児愛,
    萝莉, 蘿莉, 萝利, 罗莉, 羅莉, 萝莉控, 正太控, 正太, 幼齿, 幼齒, 恋童, 戀童, 儿童色情, 兒童色情,
    로리, 로리콘, 쇼타, 쇼타콘, 페도, 아동포르노,
    лоли, лоля, лоликон, лолька, шота, шотакон, педофил, педофилия,
    pedofilo, pedofila, pedofilia, padophil, padophilie
""")

# Refused as a whole tag only: backwards spellings, and words that are also names.
MINOR_CODED_TAGS = frozenset(
    _list("ilol, nocilol, atohs, nocatohs, rori, loly, ろり, ろーり, しょた")
)

# Children, and what makes a figure one: refused with anything above `safe`.
MINOR = _list("""
    child, childs, children, childrens, childlike, child like, childish body, childish figure,
    childish proportions,
    childish face, childhood,
    kid, kids, kiddo, kiddos, kiddie, kiddies, kiddy,
    baby, babies, babys, newborn, newborns, infant, infants, neonate,
    toddler, toddlers, todler, preschool, preschools, preschooler, preschoolers, pre schooler,
    pre school, nursery school, kindergarten, kindergartens, kindergartner, kindergartners,
    kindergartener, kindergarteners, kindergarden,
    kindergardener, kindergardner, daycare, youngster, youngsters, sweet sixteen, sweet 16,
    minor looking, barely legal, prepube, teenie, teenies, teeny girl, teeny bopper,
    lil girl, lil girls, lil boy, lil boys,
    1st graders, 2nd graders, 3rd graders, 4th graders, 5th graders, 6th graders, 7th graders,
    8th graders, 9th graders, 10th graders, 11th graders,
    aged down, age down, de aged, deaged, age regression, age regressed, age regress, younger,
    young girl, young girls, young boy, young boys, younger girl, younger boy,
    little girl, little girls, little boy, little boys,
    prepubescent, pre pubescent, pubescent, prepubescence,
    preteen, preteens, pre teen, pre teens, tween, tweens,
    teen, teens, teenage, teenaged, teenager, teenagers, adolescent, adolescents, adolescence,
    underage, underaged, under age, under aged, juvenile, juveniles,
    not yet adult, not an adult, non adult, not adult, minor girl, minor boy, a minor,
    elementary school, elementary schooler, elementary schoolers, elementary schoolgirl,
    elementary schoolboy, elementary schoolmate, elementary student, elementary students,
    elementary girl, elementary boy, elementary age, primary school, primary schooler,
    primary schoolers, primary student, primary pupil, grade school, grade schooler,
    grade schoolers, gradeschooler, gradeschoolers, gradeschool,
    first grader, second grader, third grader, fourth grader, fifth grader, sixth grader,
    seventh grader, eighth grader, ninth grader, tenth grader, eleventh grader,
    first graders, second graders, third graders, fourth graders, fifth graders, sixth graders,
    1st grader, 2nd grader, 3rd grader, 4th grader, 5th grader, 6th grader, 7th grader,
    8th grader, 9th grader, 10th grader, 11th grader,
    first grade, second grade, third grade, fourth grade, fifth grade, sixth grade,
    seventh grade, eighth grade, ninth grade,
    1st grade, 2nd grade, 3rd grade, 4th grade, 5th grade, 6th grade, 7th grade, 8th grade,
    9th grade,
    middle school, middle schooler, middle schoolers, middleschooler, middle schoolgirl,
    middle schoolboy, junior high, jr high, junior highschooler, junior high schooler,
    high schooler, high schoolers, highschooler, highschoolers, high school girl,
    high school girls, high school boy, high school boys, high school student,
    high school students, highschool girl, highschool boy, highschool student,
    high schoolgirl, high schoolboy,
    schoolgirl, schoolgirls, schoolboy, schoolboys, schoolchild, schoolchildren, schoolkid,
    schoolkids, randoseru, randosel, yochien,
    youjo, shougakusei, shogakusei, chuugakusei, chugakusei, joshi shougakusei,
    joshi chuugakusei, joshi kousei, joshi kosei, joshikousei, joshikosei, koukousei,
    kodomo, akachan, lolita girl, lolitas,
    小さい女の子, 小さな女の子, 小さい男の子, 小さな男の子, 小さい子, ちびっ子,
    幼女, 幼児, 幼稚園, 園児, 保育園, 児童, 女児, 男児, 子供, 子ども, こども, コドモ, 赤ちゃん,
    赤ん坊, 乳児, 小学, 小学生, 小学校, 中学生, 中学校, 女子中学生, 高校生, 女子高生, 男子高生,
    女子校生, 未成年, 未成熟, 幼い, 幼体, 幼化, ランドセル, ようじょ, ようぢょ, よう女, ちびっこ,
    赤子, じどう,
    きゅうさい, じゅっさい, じゅういっさい, じゅうにさい, じゅうさんさい, じゅうよんさい,
    じゅうごさい,
    じゅうろくさい, じゅうななさい, 十代, 10代,
    儿童, 兒童, 孩子, 小孩, 孩童, 女童, 童女,
    男童, 幼童, 幼儿, 幼兒, 幼女化, 婴儿, 嬰兒, 小女孩, 小男孩,
    小女生, 小学女生, 初中女生, 高中女生, 小學生, 小學, 中學生, 高中生, 初中生, 国中生, 國中生,
    幼儿园, 幼兒園, 未成年人,
    어린 소녀, 어린 소년, 여자아이, 남자아이, 꼬맹이, 열살, 열한살, 열두살, 열세살, 열네살,
    열다섯살,
    열여섯살, 열일곱살, 어린이, 아동, 유아, 소아, 아기, 꼬마, 초등학생, 초딩, 중학생, 고등학생,
    여고생, 여중생, 미성년,
    미성년자, 유치원,
    ninzha, ninzhas, ninzho, ninzhos, ninzhita, ninzhitas, ninzhito, nina pequena, chiquilla,
    chiquillo, colegiala, colegialas, escolar infantil,
    menor de edad, menores de edad, preadolescente, adolescente, adolescentes,
    crianca, criancas, menina pequena, menino pequeno, menininha, menor de idade,
    enfant, enfants, fillette, fillettes, petite fille, petit garcon, gamine, ecoliere, ecolier,
    mineure, mineures,
    kleinkind, kleinkinder, kleines madchen, kleiner junge, schulmadchen, minderjahrig,
    minderjahrige, bambina, bambine, bambino, bambini, minorenne, minorenni,
    ребенок, дети, детский, девочка, девочки, мальчик, малыш, малышка, младенец, подросток,
    школьница, школьницы, школьник, несовершеннолетняя, несовершеннолетний, малолетка,
    gadis kecil, anak kecil, anak anak, dziecko, dziewczynka
""")

# Tags that mean a minor only when they are the whole tag.
MINOR_TAGS = frozenset(
    _list("""
    minor, minors, lolita, underdeveloped, immature body, u18, u 18, jk, jc, js,
    js1, js2, js3, js4, js5, js6, js 1, js 2, js 3, js 4, js 5, js 6, jc1, jc2, jc3, jc 1, jc 2,
    jc 3, jk1, jk2, jk3, jk 1, jk 2, jk 3
    """)
)

# Names, titles and idioms: the listed words mean something else inside these phrases.
HARMLESS = _list("""
    aizawa shota, shota aizawa, shota imanaga, imanaga shota,
    luna child, child's drawing, childs drawing, destiny child, chaos child, child's play,
    childs play, child box, cursed child, child of light, child safety seat, child resistant,
    moon child,
    red star child, sugar haw child, paper child, inner child, wild child, brain child,
    devil child, child emperor, childhood friend, childhood friends, childhood friend chan,
    advent children, tsurezure children, zettai karen children, children of the light,
    beltorchika's children, state of children, children's book, childrens book,
    children's day, emperor's children, children of the rune, fantastic children,
    wolf children, problem children, children of the whales,
    kid icarus, kaitou kid, kaito kid, billy kid, billy the kid, kid chrono cross, eustass kid,
    captain kid, death the kid, kid cobra, kid buu, bigmt kid, kid kidocchi, kid nicca, gp kids,
    kids on the slope, kid gloves, kid cudi, kids with good instincts, kiddy grade,
    kill me baby, baby bottle, baby blue, baby's breath, babys breath, baby 5, baby penguin,
    baby animal, baby animals, baby bird, baby birds, holika baby, spider baby, envy baby,
    kocchi muite baby, baby walkure, boonie baby, monge baby, baby dragon ball, baby face stand,
    baby luma, baby spice, baby face,
    aishiteruze baby, baby steps, baby stick, baby vegeta, babibu baby, baby doll,
    baby dolls, baby pink, baby dragon, baby dragons, baby powder, baby grand piano,
    baby bonnie hood,
    baby chick, baby metal, baby bao, baby hair, baby hairs, baby's tears,
    teen titans, aqua teen hunger force, teen 629, teen romantic comedy,
    teenage mutant ninja turtles, teenage robot, teenage kraken, teenage engineering,
    youjo senki, oota youjo, youjo creek, youjo modoki, mahoroba youjo kitan, mousou youjo,
    youjo yuurei, kodomo no hi, kodomo no omocha, ookami kodomo, ore no kodomo,
    kindergarten teacher, preschool teacher, elementary school teacher, middle school teacher,
    minatsuki randoseru, minazuki randoseru, naoko juvenile, juvenile vocaloid, ruri juvenile,
    meiji schoolgirl uniform, wild huntress schoolgirl, schoolgirl uniform, schoolgirl strikers,
    kiddie pool, science babies, baby assassins, child drawing, hanamaru kindergarten,
    lives of high school boys, high school girls cycling club, adolescence of utena,
    younger prince, younger sister, younger brother, younger twin, schoolboy uniform,
    school girl strikers, school girl mode, kiddie ride, kiddy girl and, beatrix kiddo, kidd,
    utena adolescence, adolescence vocaloid, academic adolescence, danshi koukousei,
    choujin koukousei, armed high school girls, a minor key, a minor scale, a minor chord,
    a minor detail, a minor injury, first grade quality,
    gamme mineure, tierce mineure, sixte mineure,
    二十代, 三十代, 四十代, 五十代, 六十代, 七十代, 八十代, 九十代,
    女孩子, 男孩子, 萝莉塔,
    아기자기, 페도라, 로리타,
    幼女戦記, 正太郎, ロリータ, ゴスロリ, プロリーグ, 子供の日, こどもの日, 글로리
""")

# Words that make a picture sexual, whatever its rating says.
SEXUAL = _list("""
    nsfw, explicit, rating explicit, rating questionable, r18, r 18, r18g, hentai, ecchi, lewd,
    erotic, erotica, eroge, porn, porno, pornographic, xxx, smut, ahegao,
    sex, sexy, sexual, sexually, sexualised, sexualized, seductive, aroused, arousal, horny,
    nude, nudes, nudity, naked, topless, bottomless, undressing, strip, stripping, striptease,
    breasts out, breast out, bare breasts, exposed breasts, nipple, nipples, areola, areolae,
    nipple slip, no panties, no bra, pantyshot, panty shot, upskirt, cameltoe, panties, lingerie,
    underwear only, bra and panties, thong, g string, micro bikini, see through clothes,
    pussy, vagina, vaginal, vulva, labia, clitoris, clit, anus, anal, asshole, penis, penises,
    cock, dick, erection, testicles, genitals, crotch rub, pubic hair,
    cum, cumming, cumshot, bukkake, creampie, semen, ejaculation, orgasm, pussy juice, squirting,
    masturbation, masturbating, fingering, handjob, blowjob, fellatio, irrumatio, deepthroat,
    cunnilingus, paizuri, footjob, oral sex, fuck, fucked, fucking, intercourse, penetration,
    missionary, doggystyle, cowgirl position, sex from behind, gangbang, threesome, orgy, rape,
    raped, molestation, molested, groping, spread legs, spread pussy, spread ass, spreading legs,
    bondage, bdsm, shibari, vibrator, dildo, sex toy, fondling, impregnation, incest, lap dance,
    エロ, エッチ, セックス, 裸, 全裸, 乳首, 巨根, まんこ, おっぱい, 中出し, フェラ, 強姦, 性交,
    下着,
    色情, 裸体, 裸體, 做爱, 做愛, 性爱, 性愛, 야한, 섹스, 누드, 알몸,
    голая, голый, секс, порно, desnuda, desnudo, sexo, nackt, sexe nu, nua
""")
SEXUAL_HARMLESS = _list("""
    dick dastardly, moby dick, dick grayson, cock a doodle, strip mall,
    comic strip, film strip, power strip, naked snake, penetration test, sex pistols, cum laude,
    裸足, 赤裸々
""")

# Words for pictures of living people. Names can't be listed: this is a floor, not a wall.
REAL_PERSON = _list("""
    real person, real people, real human, real woman, real women, real man, real men, real girl,
    real life, real life insert, celebrity, celebrities, celeb, celebs, famous person,
    famous actress, famous actor, deepfake, deepfakes, deep fake, deep fakes,
    deepnude, undress ai, nudify, onlyfans model,
    instagram model, tiktoker, jav idol, kpop idol, k pop idol,
    photo of a real, photo of my, picture of my, photo of me, photos of my, selfie of my,
    my ex girlfriend, my ex boyfriend, my classmate, my coworker, my teacher,
    знаменитость, знаменитости, знаменитостью, знаменитостей, реальный человек, реальная девушка,
    реальные люди, дипфейк, дипфейки,
    real persons, deepfaked, deepfaking, celeberty, celeberties, selebrity, celebreties,
    celebridad, celebridades, celebridade, celebrite, celebrites, celebrita, beruhmtheit,
    beruehmtheit, berühmtheit, famosa real, persona real, personas reales, persona reale,
    pessoa real, pessoas reais, personne reelle, personnes reelles, echte person, echte frau,
    echte menschen, 真实人物, 真實人物, 现实人物, 現實人物, 真实存在的人, 换脸, 換臉, 明星换脸,
    実在, 実在の人物, 実写, 芸能人, 有名人, ディープフェイク, 真人, 真人版, 真人照片, 真人写真,
    女明星, 男明星, 名人, 深度伪造, 실존인물, 연예인,
    딥페이크
""")
REAL_PERSON_TAGS = frozenset(_list("irl, photo irl, irl photo, nude irl"))
REAL_PERSON_HARMLESS = _list("""
    真人快打,
    anime in real life, real girl project, realman, celeb summer, mount celeb
""")

# What a negative prompt must not remove while the picture is for adults.
ADULT = _list("""
    adult, adults, adult woman, adult women, adult female, adult male, adult man, adult girl,
    young adult, mature, mature female, mature woman, mature women, mature male, mature man,
    matured, maturity, aged up, grown up, grown ups, grownup, fully grown, grown woman, grown man,
    older woman, older women, old woman, old women, older female, older man, of age, milf,
    middle aged, over 18, 18 plus, legal age, elderly, adulto, adulta, adultos, adultas,
    erwachsene, erwachsener,
    大人, 成人, 成年, 熟女, 人妻, 大人化, 成熟, 年上, 성인, 어른, взрослая, взрослый
""")
ADULT_TAGS = frozenset(_list("old, older, 18"))
ADULT_HARMLESS = _list(
    "adult content, adult theme, adult themes, adult humor, adult baby, 未成年, 未成熟"
)
