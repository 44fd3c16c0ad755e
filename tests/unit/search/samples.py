"""A few GPTs that were made up, in the scripts that search treats differently."""

from __future__ import annotations

from catalog.search import Texts

SAMPLES: dict[str, tuple[Texts, ...]] = {
    "zh": (
        Texts(
            name="翻译助手 Pro",
            labels=("王小明", "writing", "browser"),
            description="把中文翻译成英文，也能润色论文；支持ＰＤＦ。",
            starters=("帮我翻译这段话", "这句话是什么意思？"),
        ),
        Texts(
            name="小红书文案大师",
            labels=("文案工坊", "lifestyle", "dalle"),
            description="写小红书文案，配图和标题一起给你。",
            starters=("写一篇关于咖啡的文案",),
        ),
    ),
    "ja": (
        Texts(
            name="日本語チューター",
            labels=("さくら学習室", "education"),
            description="ｶﾞｲﾄﾞ付きで日本語を学ぶ。ひらがなからビジネス敬語まで!",
            starters=("「は」と「が」の違いは?",),
        ),
        Texts(
            name="データ分析くん",
            labels=("DataLab東京", "research", "python"),
            description="CSVデータを読み込み、グラフを描きます。",
            starters=("売上データを分析して",),
        ),
    ),
    "ko": (
        Texts(
            name="한국어 선생님",
            labels=("김하늘", "education"),
            description="한국어를 처음부터 배워요. 문법과 발음을 함께!",
            starters=("오늘의 단어를 알려줘",),
        ),
        Texts(
            name="여행 플래너",
            labels=("길동무", "lifestyle"),
            description="서울과 부산의 맛집을 찾아 드립니다",
            starters=("3일 여행 일정을 짜줘",),
        ),
    ),
    "th": (
        Texts(
            name="ผู้ช่วยแปลภาษา",
            labels=("สมชาย", "writing"),
            description="แปลภาษาไทยเป็นอังกฤษ น้ำเสียงเป็นธรรมชาติ",
            starters=("ช่วยแปลประโยคนี้",),
        ),
        Texts(
            name="ครูคณิต ม.๓",
            labels=("บ้านเลข", "education"),
            description="สอนคณิตศาสตร์ทีละขั้น",
            starters=("สมการกำลังสองคืออะไร",),
        ),
    ),
    "ar": (
        Texts(
            name="مُساعد الكتابة",
            labels=("أحمد", "writing"),
            description="يُحسّن النصوص العربيّة ويُصحّح الأخطاء الإملائية",
            starters=("اكتب رسالة رسمية",),
        ),
        Texts(
            name="طبّاخ البيت",
            labels=("مطبخ سلمى", "lifestyle"),
            description="وصفات سهلة مـــن المطبخ الشامي، خطوة بخطوة",
            starters=("ماذا أطبخ اليوم؟",),
        ),
    ),
    "ru": (
        Texts(
            name="Помощник по учёбе",
            labels=("Ёлкин Пётр", "education"),
            description="Объясняет физику и математику просто; проверяет решения.",
            starters=("Объясни закон Ома",),
        ),
        Texts(
            name="Йога каждый день",
            labels=("Майя", "lifestyle"),
            description="Короткие занятия йогой для начинающих",
            starters=("Составь план на неделю",),
        ),
    ),
    "en": (
        Texts(
            name="Résumé Writer – Pro",
            labels=("Jane O'Neill", "writing", "browser", "api.jobs.example"),
            description="Writes résumés & cover letters; won't overwrite your voice.",
            starters=("Review my résumé", "Write a cover letter for a job at a café"),
        ),
        Texts(
            name="Write",
            labels=("writer_2000", "productivity"),
            description="A writing partner for C++ docs, RFC-2119 texts and GPT翻译 notes.",
            starters=("Fix the grammar",),
        ),
    ),
}
"""By language."""

ALL: tuple[Texts, ...] = tuple(each for group in SAMPLES.values() for each in group)
