"""Word lists from which names and texts are made. Data alone.

Every name of a GPT or a person holds a coined word of syllables, so that none of them is anybody's.
In the forms stand: {c} a coined word, {t} and {u} topics, {r} a role.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """What is needed to write a little of one language.

    Attributes:
        weight: how many of a hundred GPTs are written in it.
        syllables: for coined words.
        length: how many syllables such a word has.
        space: between the two names of a person, and between sentences.
        topics: what a GPT is about.
        roles: what a GPT is.
        names: forms of a GPT's name.
        sentences: forms of a description's sentences.
        starters: forms of prompt starters.
    """

    code: str
    weight: float
    syllables: str
    length: tuple[int, int]
    space: str
    topics: tuple[str, ...]
    roles: tuple[str, ...]
    names: tuple[str, ...]
    sentences: tuple[str, ...]
    starters: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


_LATIN = (
    "ba bel cor da dri el fen gal hor is jun ka lum mi nor ol pra qui ras sil tor ul ven wex yor za"
)

LANGUAGES: tuple[Language, ...] = (
    Language(
        "en",
        60,
        _LATIN,
        (2, 3),
        " ",
        _words(
            "recipes|contract law|garden design|"
            "essay writing|logo design|chess openings|travel plans|"
            "marathon training|data analysis|board games|"
            "interior design|job interviews|tax returns|"
            "birdwatching|bedtime stories|spreadsheets|"
            "poetry|physics homework|sales emails|podcasts|"
            "weather data|tattoo ideas|home repair|language practice|code review|market research|"
            "meditation|family history|pixel art|meal planning"
        ),
        _words(
            "Guide|Coach|Helper|Tutor|Planner|Analyst|Editor|Designer|Companion|Scout|G Assistant"
        ),
        _words("{c} {r}|{c}: {t}|{r} {c}|{c} for {t}|The {c} {r}|{c} {r} & Friends"),
        _words(
            "Your patient {r} for {t}.|Helps you with {t} and {u}, step by step.|"
            "Ask about {t}; answers come with sources and examples.|"
            "Turns rough ideas about {t} into finished work.|"
            "Explains {t} to beginners and experts alike.|"
            "An expert in {t}, trained on years of {u}.|Creates, checks and improves {t}.|"
            "Not for {u}: only {t}, and that thoroughly."
        ),
        _words(
            "Help me with {t}.|What should I know about {t}?|Compare {t} with {u}.|"
            "Can you explain {t} in simple words?|Make a plan for {t} over four weeks.|"
            "Here is my draft about {t}. What would you change?|"
            "Surprise me with something about {t}!|"
            "How do I start with {u}?"
        ),
    ),
    Language(
        "es",
        6,
        _LATIN,
        (2, 3),
        " ",
        _words(
            "recetas|derecho laboral|jardinería|redacción|"
            "viajes|ajedrez|nutrición|matemáticas|pintura"
        ),
        _words("Guía|Asesor|Tutora|Ayudante|Diseñador|Compañero"),
        _words("{c}: {t}|{r} {c}|{r} de {t} {c}|El {r} {c}"),
        _words(
            "Te ayuda con {t} paso a paso.|Pregunta lo que quieras sobre {t} o {u}.|"
            "Un {r} paciente para {t}.|¿Dudas sobre {t}? Aquí hay respuestas claras."
        ),
        _words(
            "¿Cómo empiezo con {t}?|Explícame {t}.|"
            "Hazme un plan de {t}.|¡Ayúdame con {u}, por favor!"
        ),
    ),
    Language(
        "fr",
        4,
        _LATIN,
        (2, 3),
        " ",
        _words(
            "cuisine|droit des affaires|jardinage|dissertation|voyages|échecs|santé|poésie|algèbre"
        ),
        _words("Guide|Conseiller|Tuteur|Assistante|Créateur"),
        _words("{c}, {r} en {t}|{r} {c}|L'{r} {c}|{c} – {t}"),
        _words(
            "Vous aide pas à pas en {t}.|Posez vos questions sur {t} ou {u}.|"
            "Un spécialiste de {t}, à votre écoute.|Crée, corrige et améliore : {t}, {u}…"
        ),
        _words(
            "Explique-moi : {t}.|Par où commencer en {t} ?|"
            "Prépare un plan pour {u}.|Aide-moi avec {t} !"
        ),
    ),
    Language(
        "de",
        4,
        _LATIN,
        (2, 3),
        " ",
        _words(
            "Kochrezepte|Arbeitsrecht|Gartenbau|Aufsätze|Reisen|Schach|Gesundheit|Märchen|Statistik"
        ),
        _words("Ratgeber|Trainer|Helferin|Lektor|Planer|Begleiter"),
        _words("{c}-{r}|{r} {c}|{c}: {t}|{r} für {t} {c}"),
        _words(
            "Hilft Schritt für Schritt bei {t} und {u}.|Dein {r} für {t}.|"
            "Fragen zu {t}? Hier gibt es gründliche Antworten.|Prüft, verbessert und erklärt {t}."
        ),
        _words(
            "Hilf mir bei {t}.|Erkläre mir {t} in einfachen Worten.|Was ist bei {u} zu beachten?"
        ),
    ),
    Language(
        "pt",
        4,
        _LATIN,
        (2, 3),
        " ",
        _words(
            "receitas|direito civil|jardinagem|redação|viagens|xadrez|saúde|finanças|programação"
        ),
        _words("Guia|Consultor|Professora|Ajudante|Criador"),
        _words("{c}: {t}|{r} {c}|{r} de {t} {c}"),
        _words(
            "Ajuda você com {t}, passo a passo.|Tire suas dúvidas sobre {t} e {u}.|"
            "Especialista em {t} à sua disposição."
        ),
        _words("Como começo com {t}?|Explique {t} de forma simples.|Crie um plano de {u}."),
    ),
    Language(
        "ru",
        3.5,
        "ба вел гор да жи зор ка лум ми нор ол пра рас сил тор ул фен ша эл яр",
        (2, 3),
        " ",
        _words(
            "рецепты|трудовое право|садоводство|сочинения|"
            "путешествия|шахматы|здоровье|сказки|физика"
        ),
        _words("Помощник|Наставник|Советник|Редактор|Учитель"),
        _words("{c}: {t}|{r} {c}|{c} — {r}"),
        _words(
            "Поможет разобраться: {t}, {u}.|Ваш терпеливый {r}. Тема: {t}.|"
            "Спросите про {t} — получите понятный ответ.|Создаёт, проверяет и улучшает ({t})."
        ),
        _words("Расскажи про {t}.|С чего начать: {t}?|Составь план: {u}.|Помоги мне: {t}!"),
    ),
    Language(
        "el",
        0.5,
        "βα γελ δορ ζα κα λουμ μι νορ πρα ρασ σιλ τορ φεν",
        (2, 3),
        " ",
        _words("συνταγές|κηπουρική|ταξίδια|σκάκι|υγεία|ποίηση"),
        _words("Οδηγός|Βοηθός|Δάσκαλος"),
        _words("{c}: {t}|{r} {c}"),
        _words("Σας βοηθά με {t} και {u}.|Ρωτήστε ό,τι θέλετε για {t}."),
        _words("Εξήγησέ μου {t}.|Πώς ξεκινώ με {u};"),
    ),
    Language(
        "ar",
        2.5,
        "با دا را سا قا لو مي نور فن جي كا زا تو حل",
        (2, 3),
        " ",
        _words("وصفات|قانون العمل|البستنة|كتابة المقالات|السفر|الشطرنج|الصحة|القصص|الرياضيات"),
        _words("دليل|مساعد|مدرب|مستشار|معلم"),
        _words("{r} {c}|{c}: {t}|{r} {t} {c}"),
        _words("يساعدك في {t} خطوة بخطوة.|اسأل عن {t} أو {u}، والإجابة واضحة.|خبير في {t}."),
        _words("ساعدني في {t}.|اشرح لي {t} ببساطة.|كيف أبدأ مع {u}؟"),
    ),
    Language(
        "he",
        0.8,
        "בא דו רי סל קא לו מי נור פן גל זא טו",
        (2, 3),
        " ",
        _words("מתכונים|דיני עבודה|גינון|כתיבה|טיולים|שחמט|בריאות|אגדות"),
        _words("מדריך|עוזר|מאמן|יועץ"),
        _words("{r} {c}|{c}: {t}|{c} {r}"),
        _words("עוזר לך עם {t} צעד אחר צעד.|שאלו על {t} ועל {u}.|מומחה בתחום {t}."),
        _words("עזור לי עם {t}.|הסבר לי על {t}.|איך מתחילים עם {u}?"),
    ),
    Language(
        "hi",
        1.2,
        "बा दो री सल का लू मी नूर फन गल जा तो वे",
        (2, 3),
        " ",
        _words("व्यंजन|श्रम कानून|बागवानी|निबंध लेखन|यात्रा|शतरंज|स्वास्थ्य|कहानियाँ|गणित"),
        _words("मार्गदर्शक|सहायक|शिक्षक|सलाहकार"),
        _words("{c} {r}|{c}: {t}|{t} {r} {c}"),
        _words("{t} में आपकी मदद करता है।|{t} और {u} के बारे में पूछें।|{t} का विशेषज्ञ।"),
        _words("{t} में मेरी मदद करो।|{t} सरल शब्दों में समझाओ।|{u} कैसे शुरू करूँ?"),
    ),
    Language(
        "th",
        1.2,
        "บา โด รี สล กา ลู มี นอ ฟัน กล ซา โต เว",
        (2, 3),
        " ",
        _words("สูตรอาหาร|กฎหมายแรงงาน|จัดสวน|เขียนเรียงความ|ท่องเที่ยว|หมากรุก|สุขภาพ|นิทาน"),
        _words("ผู้ช่วย|ครู|ที่ปรึกษา|โค้ช"),
        _words("{r}{c}|{c} {t}|{r}{t}{c}"),
        _words("ช่วยคุณเรื่อง{t}ทีละขั้นตอน|ถามเรื่อง{t}และ{u}ได้เลย|ผู้เชี่ยวชาญด้าน{t}"),
        _words("ช่วยฉันเรื่อง{t}|อธิบาย{t}แบบง่ายๆ|เริ่มต้น{u}อย่างไร"),
    ),
    Language(
        "zh",
        6,
        "岚 柏 澄 朔 霁 桐 逸 瑶 枫 翎 泽 苒 砚 弦 珂",
        (2, 2),
        "",
        _words("菜谱|劳动法|园艺|作文|旅行规划|围棋|健康|童话|数据分析|简历|翻译|绘画|小说"),
        _words("助手|导师|顾问|专家|教练|大师"),
        _words("{c}{t}{r}|{t}{r}·{c}|{c}{r}|{c}：{t}"),
        _words(
            "一步一步帮助你完成{t}。|关于{t}和{u}，请随意提问。|您身边的{t}{r}，耐心而专业。|"
            "把粗略的想法变成完整的{t}。"
        ),
        _words("请帮我做{t}。|用简单的话解释{t}。|{u}应该怎么开始？|给我一个{t}的四周计划。"),
    ),
    Language(
        "ja",
        4,
        "そら ゆめ かぜ ほし つき もり なみ ひか るい のあ 澪 葵 颯 凪",
        (2, 2),
        " ",
        _words("レシピ|労働法|ガーデニング|作文|旅行プラン|将棋|健康|童話|データ分析|翻訳|俳句"),
        _words("アシスタント|先生|ガイド|コーチ|相談員"),
        _words("{c}の{t}{r}|{t}{r}「{c}」|{c}{r}"),
        _words(
            "{t}を一歩ずつお手伝いします。|{t}や{u}について何でも聞いてください。|{t}に詳しい{r}です。"
        ),
        _words("{t}を手伝ってください。|{t}を簡単に説明して。|{u}はどう始めればいい？"),
    ),
    Language(
        "ko",
        2.3,
        "가 나 다 라 마 벨 솔 온 윤 준 하 별 빛 루",
        (2, 3),
        " ",
        _words("요리법|노동법|정원 가꾸기|글쓰기|여행 계획|바둑|건강|동화|데이터 분석|번역"),
        _words("도우미|선생님|가이드|코치|상담사"),
        _words("{c} {t} {r}|{c} {r}|{t} {r} {c}"),
        _words("{t}을 차근차근 도와드립니다.|{t}와 {u}에 대해 물어보세요.|{t} 전문 {r}입니다."),
        _words("{t}을 도와줘.|{t}을 쉽게 설명해 줘.|{u}는 어떻게 시작하나요?"),
    ),
)

EMOJI = (
    "\N{ROCKET}",
    "\N{SPARKLES}",
    "\N{ROBOT FACE}",
    "\N{ARTIST PALETTE}",
    "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{COOKING}",
    "\N{MAN}\u200d\N{PERSONAL COMPUTER}",
    "\N{ADULT}\N{EMOJI MODIFIER FITZPATRICK TYPE-5}\u200d\N{ROCKET}",
    "\N{HEAVY BLACK HEART}\ufe0f\u200d\N{FIRE}",
    "\N{WAVING WHITE FLAG}\ufe0f\u200d\N{RAINBOW}",
    "\N{REGIONAL INDICATOR SYMBOL LETTER E}\N{REGIONAL INDICATOR SYMBOL LETTER U}",
)
"""Single signs, sequences with ZWJ, a skin tone, a variation selector, a flag of two signs."""

HOSTILE = (
    "<b>Best</b> & \"only\" {t} <script>alert('{c}')</script>",
    '=HYPERLINK("https://{c}.example","{t}")',
    "'; DROP TABLE gizmos; -- {c}",
    "\x1b[31m{c}\x1b[0m {t}",
    "\u202e{c}\u202c {t}",
    "../../{c}\u200a{t}  {u}",
)
"""What strangers write into descriptions: markup, formulas, SQL, escapes, directions, paths."""

CATEGORIES: tuple[tuple[tuple[str, ...], float], ...] = (
    (("productivity",), 20),
    (("education",), 16),
    (("lifestyle",), 14),
    (("research",), 11),
    (("writing",), 11),
    (("programming",), 9),
    (("dalle",), 7),
    (("other",), 7),
    ((), 4),
    (("Other",), 1),
)

STARTER_COUNTS: tuple[tuple[int, float], ...] = (
    *((4, 196.0), (5, 17.0), (2, 17.0), (0, 16.0), (1, 12.0), (3, 10.0), (12, 6.0), (6, 5.0)),
    *((8, 4.0), (7, 3.0), (9, 3.0), (10, 2.0), (11, 1.0)),
)
"""As counted over the store's lists; 0 stands for an empty list and for null."""

FILE_COUNTS: tuple[tuple[int, float], ...] = (
    *((0, 770.0), (1, 85.0), (2, 40.0), (3, 30.0), (4, 25.0), (5, 10.0), (6, 10.0), (8, 8.0)),
    *((10, 10.0), (15, 6.0), (20, 6.0)),
)

FILE_TYPES: tuple[tuple[str, float], ...] = (
    ("application/pdf", 133),
    ("text/plain", 66),
    ("", 100),
    ("image/png", 21),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", 9),
    ("application/zip", 9),
    ("text/markdown", 9),
    ("application/json", 6),
    ("text/html", 4),
)

BUILT_IN_SETS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("browser", "dalle", "python"), 38),
    (("browser", "dalle"), 30),
    (("browser",), 8),
    (("dalle",), 7),
    (("browser", "python"), 7),
    ((), 6),
    (("python",), 2),
    (("dalle", "python"), 2),
)

MIME_SMALL: tuple[str, ...] = (
    *("text/markdown", "application/msword", "text/x-csharp", "text/javascript", "text/x-c++"),
    *("application/pdf", "text/x-tex", "text/x-script.python", "application/x-latext"),
    *("application/json", "text/x-ruby", "text/x-sh", "text/x-java", "text/plain", "text/x-php"),
    *("text/x-typescript", "text/x-c", "text/html"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)
"""The 20 types that were taken in early 2024."""

MIME_LARGE: tuple[str, ...] = (
    *(mime for mime in MIME_SMALL if mime != "application/x-latext"),
    *("text/x-shellscript", "application/x-powershell", "message/rfc822", "text/x-makefile"),
    *("application/vnd.apple.pages", "application/vnd.apple.keynote", "text/x-diff", "text/xml"),
    *("application/x-scala", "text/x-python", "application/vnd.ms-powerpoint", "text/rtf"),
    *("text/x-lisp", "application/x-sql", "text/calendar", "application/x-yaml", "text/x-rst"),
    *("text/x-asm", "application/javascript", "text/css", "text/x-vcard", "text/vbscript"),
)
"""The 41 types that were taken later the same year."""

IMAGE_MIME: tuple[str, ...] = ("image/png", "image/gif", "image/jpeg", "image/webp")
