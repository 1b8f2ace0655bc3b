"""The word lists of the hard rules, and the phrases in which those words are harmless.

Written in plain spelling: the matcher sees through disguises, but plurals are listed. Terms match
as whole words inside a tag; spaces in them are optional. Source: Danbooru's tag wiki and its tag
list of the end of 2024; `docs/moderation.md` reports what they refuse of that whole list.
"""


def words(text: str) -> tuple[str, ...]:
    return tuple(" ".join(term.split()) for term in text.split(",") if term.strip())


# Sexualised minors by definition of the word: refused at every rating.
_CODED = words("""
    menino nu, menina nua, crianca nua, garcon nu, enfant nu, enfants nus, fillette nue,
    lollicon, lollycon, lolly con, lolycon, lolikawaii, lolixxx, erololi, ero loli, nekololi,
    neko loli, elf loli, loli elf, hentai loli, loli hentai, loliporn, loli porn, loli complex,
    preteen model, pthc, nymphet, nympholepsy, hebephile, hebephilia, ephebophile, ephebophilia,
    minor attracted, pedophilic, lolification, toddler con, ddlg porn, kid porn, teen porn, 幼女,
    ょぅじょ, ょうじょ, よぅじょ, ロリータコン, 炼铜, 煉銅, 恋童癖, 小萝, 萌萝, 铜炼, ロli, ロri,
    loリ, lolリ, 萝li, 蘿li, 로li, ショta, 쇼ta, 正tai, 메스가키, 로린이, 쇼린이, 잼민이, ლოლი,
    ლოლიკონი, շոտա, լոլի, ᎶᎵ, лолята, лолиты, лолькон, нимфетка, ninfeta, ninfetas, ninfetta,
    ninfette, nymphette, nymphettes, kinderporno, pornografia infantil, pedopornografia,
    pedopornographie, loli, lolis, lolies, loli girl, loligirl, loligirls, lolicon, lolicons,
    lolikon, loli kon, rorikon, roricon, lolidom, lolibaba, loli baba, lolification, lolified,
    loli body, lolibody, legal loli, oppai loli, onee loli, onii loli, loliboy, lolicore, lolisex,
    lolifox, lolicat, lolivamp, loli sex, lolichan, lolikun, lolisama, lolihime, lolikid, lolibait,
    lolislut, lolibitch, lolipussy, lolichick, shotakun, shotachan, shota kid, shota, shotas,
    shotacon, shotacons, shotakon, shotadom, shotaboy, shota boy, shotajiji, onee shota,
    onii shota, oneshota, oneeshota, oniishota, straight shota, toddlercon, toddlersex, toddlerkon,
    babycon, kodocon, kodomo doushi, child on child, mesugaki, mesu gaki, osugaki, cunny, cunnies,
    lolicunny, paedo, paedos, child prn, child p rn, pedo, pedos, pedophile, pedophiles,
    pedophilia, paedophile, paedophilia, pedobear, pedobait, jailbait, jail bait, child porn,
    child pornography, childporn, kiddie porn, kiddy porn, csam, child abuse, child molestation,
    molested child, ロり, ろリ, 囗リ, ショた, しょタ, シょタ, ろりこん, ろりっこ, ろりっ子,
    しょたこん, しょたっ子, おねしょた, おにしょた, ロリ, ローリ, ロリロリ, ロリコン, ロリっ子,
    ロリっこ, ロリ巨乳, ロリババア, ロリータコンプレックス, 合法ロリ, ロリビッチ, 口リ, 口リコン,
    ショタ, ショタコン, ショタっ子, おねショタ, おにショタ, おねロリ, メスガキ, めすがき, 雌ガキ,
    ペドフィリア, ペド, 小児性愛, 児童ポルノ, 小児愛, 萝莉, 蘿莉, 萝利, 罗莉, 羅莉, 萝莉控, 正太控,
    正太, 幼齿, 幼齒, 恋童, 戀童, 儿童色情, 兒童色情, 로리, 로리콘, 쇼타, 쇼타콘, 페도, 아동포르노,
    лоли, лоля, лоликон, лолька, шота, шотакон, педофил, педофилия, pedofilo, pedofila, pedofilia,
    padophil, padophilie
""")

# Refused only as a whole tag: words that are also names, and words written backwards.
MINOR_CODED_TAGS = frozenset(words("rori, loly, ろり, ろーり, しょた"))

# Children, and what indicates one: refused with anything above `safe`.
_MINOR = words("""
    ddlg, ddlb, mdlg, mdlb, dd lg, abdl, age play, little space, age regressor, agere, youthened,
    youthening, youthify, de aging, school aged, school age, high school freshman,
    high school sophomore, high school junior, high school senior, high school pupil,
    high school kid, high school age, freshman in high school, student in high school, 女童, 女娃,
    男娃, 小娃, 宝宝, 寶寶, 奶娃, 婴孩, 学龄前, 初中, 豆蔻年华, 二八年华, 幼妹, 幼い子, 中学, 여아,
    유치원생, 초등생, 중딩, 고딩, 갓난아기, 영아, 어린애, 어린 여자애, 어린 남자애, 십대, 10대,
    국민학생, nenita, nenitas, bebezh, bebezhs, bebita, muchachita, jovencita, chavalita, escolares,
    escuela primaria, escuela secundaria, preescolar, menina, meninas, menino, meninos, garotinha,
    garotinho, mocinha, guria, novinha, moleque, pirralha, pirralho, gamin, gamins, gamines, gosse,
    gosses, bambin, bambins, nourrisson, ecolieres, ecoliers, collegien, collegienne, collegiens,
    collegiennes, lyceen, lyceenne, lyceens, lyceennes, jeune fille mineure, petites filles,
    petits garcons, jeunette, ragazzina, ragazzine, ragazzino, ragazzini, bimba, bimbe, bimbetta,
    fanciulla, fanciulle, fanciullo, scolara, scolaretta, scolarette, neonata, neonato, liceale,
    lattante, decenne, undicenne, dodicenne, tredicenne, quattordicenne, quindicenne, sedicenne,
    diciassettenne, dodicenni, tredicenni, quattordicenni, quindicenni, sedicenni, diciassettenni,
    kindlich, kindliche, kindlicher korper, kleines kind, kleine kinder, kleine madchen,
    junges madchen, saugling, schulkind, schulkinder, schulerin, schulerinnen, grundschule,
    grundschuler, grundschulerin, grundschulerinnen, gymnasiastin, teenagerin, teenagerinnen,
    teenie, jugendliche, jugendlicher, vorschulkind, kindergartenkind, backfisch, девочку,
    девочкой, девочек, девочкам, девчушка, девчушки, мальчика, мальчики, мальчиков, ребенка, детей,
    малыши, малышки, младенца, подростки, подростка, подростков, школьницу, школьниц, школьника,
    школьники, школота, несовершеннолетние, несовершеннолетних, малолетки, малолетняя, малолетний,
    дошкольница, первоклассница, второклассница, третьеклассница, пятиклассница, шестиклассница,
    семиклассница, старшеклассница, гимназистка, лицеистка, отроковица, детсад, детское тело,
    пацаненок, child, childs, children, childrens, childlike, child like, childish body,
    childish figure, childish proportions, childish face, childhood, kid, kids, kiddo, kiddos,
    kiddie, kiddies, kiddy, baby, babies, babys, newborn, newborns, infant, infants, neonate,
    toddler, toddlers, todler, preschool, preschools, preschooler, preschoolers, pre schooler,
    pre school, nursery school, kindergarten, kindergartens, kindergartner, kindergartners,
    kindergartener, kindergarteners, kindergarden, kindergardener, kindergardner, daycare,
    youngster, youngsters, sweet sixteen, sweet 16, minor looking, barely legal, prepube, teenie,
    teenies, teeny girl, teeny bopper, lil girl, lil girls, lil boy, lil boys, 1st graders,
    2nd graders, 3rd graders, 4th graders, 5th graders, 6th graders, 7th graders, 8th graders,
    9th graders, 10th graders, 11th graders, aged down, age down, de aged, deaged, age regression,
    age regressed, age regress, younger, young girl, young girls, young boy, young boys,
    younger girl, younger boy, little girl, little girls, little boy, little boys, prepubescent,
    pre pubescent, pubescent, prepubescence, preteen, preteens, pre teen, pre teens, tween, tweens,
    teen, teens, teenage, teenaged, teenager, teenagers, adolescent, adolescents, adolescence,
    underage, underaged, under age, under aged, juvenile, juveniles, not yet adult, not an adult,
    non adult, not adult, minor girl, minor boy, a minor, elementary school, elementary schooler,
    elementary schoolers, elementary schoolgirl, elementary schoolboy, elementary schoolmate,
    elementary student, elementary students, elementary girl, elementary boy, elementary age,
    primary school, primary schooler, primary schoolers, primary student, primary pupil,
    grade school, grade schooler, grade schoolers, gradeschooler, gradeschoolers, gradeschool,
    first grader, second grader, third grader, fourth grader, fifth grader, sixth grader,
    seventh grader, eighth grader, ninth grader, tenth grader, eleventh grader, first graders,
    second graders, third graders, fourth graders, fifth graders, sixth graders, 1st grader,
    2nd grader, 3rd grader, 4th grader, 5th grader, 6th grader, 7th grader, 8th grader, 9th grader,
    10th grader, 11th grader, first grade, second grade, third grade, fourth grade, fifth grade,
    sixth grade, seventh grade, eighth grade, ninth grade, 1st grade, 2nd grade, 3rd grade,
    4th grade, 5th grade, 6th grade, 7th grade, 8th grade, 9th grade, middle school,
    middle schooler, middle schoolers, middleschooler, middle schoolgirl, middle schoolboy,
    junior high, jr high, junior highschooler, junior high schooler, high schooler, high schoolers,
    highschooler, highschoolers, high school girl, high school girls, high school boy,
    high school boys, high school student, high school students, highschool girl, highschool boy,
    highschool student, high schoolgirl, high schoolboy, schoolgirl, schoolgirls, schoolboy,
    schoolboys, schoolchild, schoolchildren, schoolkid, schoolkids, randoseru, randosel, yochien,
    youjo, shougakusei, shogakusei, chuugakusei, chugakusei, joshi shougakusei, joshi chuugakusei,
    joshi kousei, joshi kosei, joshikousei, joshikosei, koukousei, kodomo, akachan, lolita girl,
    lolitas, 小さい女の子, 小さな女の子, 小さい男の子, 小さな男の子, 小さい子, ちびっ子, 幼児,
    幼稚園, 園児, 保育園, 児童, 女児, 男児, 子供, 子ども, こども, コドモ, 赤ちゃん, 赤ん坊, 乳児,
    小学, 小学生, 小学校, 中学生, 中学校, 女子中学生, 高校生, 女子高生, 男子高生, 女子校生, 未成年,
    未成熟, 幼い, 幼体, 幼化, ランドセル, ようぢょ, よう女, ちびっこ, 赤子, じどう, きゅうさい,
    じゅっさい, じゅういっさい, じゅうにさい, じゅうさんさい, じゅうよんさい, じゅうごさい,
    じゅうろくさい, じゅうななさい, 十代, 10代, 儿童, 兒童, 孩子, 小孩, 孩童, 女童, 童女, 男童,
    幼童, 幼儿, 幼兒, 婴儿, 嬰兒, 小女孩, 小男孩, 小女生, 小学女生, 初中女生, 高中女生, 小學生,
    小學, 中學生, 高中生, 初中生, 国中生, 國中生, 幼儿园, 幼兒園, 未成年人, 어린 소녀, 어린 소년,
    여자아이, 남자아이, 꼬맹이, 열살, 열한살, 열두살, 열세살, 열네살, 열다섯살, 열여섯살, 열일곱살,
    어린이, 아동, 유아, 소아, 아기, 꼬마, 초등학생, 초딩, 중학생, 고등학생, 여고생, 여중생, 미성년,
    미성년자, 유치원, ninzha, ninzhas, ninzho, ninzhos, ninzhita, ninzhitas, ninzhito,
    nina pequena, chiquilla, chiquillo, colegiala, colegialas, escolar infantil, menor de edad,
    menores de edad, preadolescente, adolescente, adolescentes, crianca, criancas, menina pequena,
    menino pequeno, menininha, menor de idade, enfant, enfants, fillette, fillettes, petite fille,
    petit garcon, gamine, ecoliere, ecolier, mineure, mineures, kleinkind, kleinkinder,
    kleines madchen, kleiner junge, schulmadchen, minderjahrig, minderjahrige, bambina, bambine,
    bambino, bambini, minorenne, minorenni, ребенок, дети, детский, девочка, девочки, мальчик,
    малыш, малышка, младенец, подросток, школьница, школьницы, школьник, несовершеннолетняя,
    несовершеннолетний, малолетка, gadis kecil, anak kecil, anak anak, dziecko, dziewczynka
""")

# Tags that mean a minor only when they are the whole tag.
MINOR_TAGS = frozenset(
    words("""
    여자아, 남아, minor, minors, lolita, 小1, 小2, 小3, 小4, 小5, 小6, 小一, 小二, 小四, 小五,
    小六, 中1, 中2, 中3, 中一, 中三, 高1, 高2, 高3, 高一, 高二, 高三, underdeveloped,
    immature body, u18, u 18, jk, jc, js, js1, js2, js3, js4, js5, js6, js 1, js 2, js 3, js 4,
    js 5, js 6, jc1, jc2, jc3, jc 1, jc 2, jc 3, jk1, jk2, jk3, jk 1, jk 2,
    jk 3
    """)
)

# Words that make a picture sexual, whatever its rating says.
SEXUAL = words("""
    unclad, undressed, unclothed, disrobed, disrobing,
    no clothes, no clothing, without clothes, without clothing, without any clothes,
    not wearing clothes, not wearing any clothes, wearing nothing, nothing on, in the buff,
    birthday suit, au naturel, in the nude, bare body, skinny dipping, clothes off,
    clothes removed, clothesless, clothless, braless, pantyless, no underwear, without underwear,
    nothing underneath, nudist, nudism, nudie, nekkid, naturist, bare bottom, bare bum,
    bare chested girl, stark naked, fully exposed, uncovered body, nuda, nudo, nude, nudi,
    desnudas, desnudos, desnudez, sin ropa, encuerada, desvestida, sem roupa, sem roupas,
    despida,
    despido, pelada, toute nue, tout nu, toute nues, deshabillee, devetue, sans vetements, a poil,
    nackte, nackter, nacktes, nackten, nacktem, nackig, splitternackt, unbekleidet, unbekleidete,
    unbekleidetes, entkleidet, ausgezogen, ohne kleidung, ohne kleider, hullenlos, senza vestiti,
    svestita, svestito, spogliata, spogliato, голые, голую, голенькая, обнаженная, обнаженный,
    обнаженное, обнажена, нагая, нагой, нагишом, без одежды, раздетая, раздетый, раздета,
    раздевается, трусики, 裸体, はだか, ハダカ, すっぽんぽん, ヌード, 脱衣, 半裸, ノーパン,
    ノーブラ, 何も着ていない, 何も着てない, 服を着ていない, 一糸まとわぬ, パンツ丸見え, パンチラ,
    一丝不挂, 一絲不掛, 没穿衣服, 沒穿衣服, 不穿衣服, 光着身子, 光著身子, 脱光, 脫光, 露点, 裸露,
    나체, 벌거벗은, 벌거숭이, 발가벗은, 벗은, 노출, 전라, 맨몸, 노팬티, nsfw, explicit,
    rating explicit, rating questionable, r18, r 18, r18g, hentai, ecchi, lewd, erotic, erotica,
    eroge, porn, porno, pornographic, xxx, smut, ahegao, sex, sexy, sexual, sexually, sexualised,
    sexualized, seductive, aroused, arousal, horny, nude, nudes, nudity, naked, topless,
    bottomless, undressing, strip, stripping, striptease, breasts out, breast out, bare breasts,
    exposed breasts, nipple, nipples, areola, areolae, nipple slip, no panties, no bra, pantyshot,
    panty shot, upskirt, cameltoe, panties, lingerie, underwear only, bra and panties, thong,
    g string, micro bikini, see through clothes, pussy, vagina, vaginal, vulva, labia, clitoris,
    clit, anus, anal, asshole, penis, penises, cock, dick, erection, testicles, genitals,
    crotch rub, pubic hair, cum, cumming, cumshot, bukkake, creampie, semen, ejaculation, orgasm,
    pussy juice, squirting, masturbation, masturbating, fingering, handjob, blowjob, fellatio,
    irrumatio, deepthroat, cunnilingus, paizuri, footjob, oral sex, fuck, fucked, fucking,
    intercourse, penetration, missionary, doggystyle, cowgirl position, sex from behind, gangbang,
    threesome, orgy, rape, raped, molestation, molested, groping, spread legs, spread pussy,
    spread ass, spreading legs, bondage, bdsm, shibari, vibrator, dildo, sex toy, fondling,
    impregnation, incest, lap dance, エロ, エッチ, セックス, 裸, 全裸, 乳首, 巨根, まんこ,
    おっぱい, 中出し, フェラ, 強姦, 性交, 下着, 色情, 裸体, 裸體, 做爱, 做愛, 性爱, 性愛, 야한,
    섹스, 누드, 알몸, голая, голый, секс, порно, desnuda, desnudo, sexo, nackt, sexe nu, nua, nuas
""")

# French and Portuguese words that are also names: sexual only as a whole tag.
SEXUAL_TAGS = frozenset(words("nu, nue, nus, nues"))

# Words for pictures of living people. Names can't be listed, so this is only a minimum.
REAL_PERSON = words("""
    vida real, vraie personne, vraies personnes, vrai personne, vraie femme, 实在人物, 實在人物,
    persone reali, mujer real, reale person, реального человека, 실제 인물, real person,
    real people, real human, real woman, real women, real man, real men, real girl, real life,
    real life insert, celebrity, celebrities, celeb, celebs, famous person, famous actress,
    famous actor, deepfake, deepfakes, deep fake, deep fakes, deepnude, undress ai, nudify,
    onlyfans model, instagram model, tiktoker, jav idol, kpop idol, k pop idol, photo of a real,
    photo of my, picture of my, photo of me, photos of my, selfie of my, my ex girlfriend,
    my ex boyfriend, my classmate, my coworker, my teacher, знаменитость, знаменитости,
    знаменитостью, знаменитостей, реальный человек, реальная девушка, реальные люди, дипфейк,
    дипфейки, real persons, deepfaked, deepfaking, celeberty, celeberties, selebrity, celebreties,
    celebridad, celebridades, celebridade, celebrite, celebrites, celebrita, beruhmtheit,
    beruehmtheit, berühmtheit, famosa real, persona real, personas reales, persona reale,
    pessoa real, pessoas reais, personne reelle, personnes reelles, echte person, echte frau,
    echte menschen, 真实人物, 真實人物, 现实人物, 現實人物, 真实存在的人, 换脸, 換臉, 明星换脸,
    実在, 実在の人物, 実写, 芸能人, 有名人, ディープフェイク, 真人, 真人版, 真人照片, 真人写真,
    女明星, 男明星, 名人, 深度伪造, 실존인물, 연예인, 딥페이크
""")
REAL_PERSON_TAGS = frozenset(words("irl, photo irl, irl photo, nude irl"))

# What a negative prompt must not remove while the picture is for adults.
ADULT = words("""
    adult, adults, adult woman, adult women, adult female, adult male, adult man, adult girl,
    young adult, mature, mature female, mature woman, mature women, mature male, mature man,
    matured, maturity, aged up, grown up, grown ups, grownup, fully grown, grown woman, grown man,
    older woman, older women, old woman, old women, older female, older man, of age, milf,
    middle aged, over 18, 18 plus, legal age, elderly, adulto, adulta, adultos, adultas,
    erwachsene, erwachsener, 大人, 成人, 成年, 熟女, 人妻, 大人化, 成熟, 年上, 성인, 어른,
    взрослая, взрослый
""")
ADULT_TAGS = frozenset(words("old, older, 18"))

# Suffixes of such a word: plurals, forms of address, likeness.
_STEMS = words("loli, shota, mesugaki, osugaki, lolicon, shotacon, cunny, toddlercon, lolibaba")
_ENDINGS = ("s", "es", "z", "ish", "like", "chan", "kun", "tan", "san", "sama")


def _plurals(listed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{word}s" for word in listed if word.isascii() and word.isalpha())


MINOR_CODED = tuple(
    dict.fromkeys(
        (*_CODED, *(stem + ending for stem in _STEMS for ending in _ENDINGS), *_plurals(_CODED))
    )
)
MINOR = tuple(dict.fromkeys((*_MINOR, *_plurals(_MINOR), "kidz", "teenz", "tweenz")))
