"""Files as people have them: what is read, and for each bad one a line that says where and what to do."""

import numpy as np
import pytest

from nfedu import tables

ROWS = [[1.5, 2.0], [3.0, -4.25], [5.0, 6e-3]]
TEXT = "a,b\n1.5,2\n3,-4.25\n5,6e-3\n"

GOOD = {
    "comma": TEXT.encode(),
    "semicolon": TEXT.replace(",", ";").encode(),
    "semicolon, decimal comma": TEXT.replace(",", ";").replace(".", ",").encode(),
    "tab": TEXT.replace(",", "\t").encode(),
    "spaces": TEXT.replace(",", "  ").encode(),
    "a note": b"# of 1999\n" + TEXT.encode(),
    "names as savetxt has them": b"# " + TEXT.encode(),
    "quoted": b'"a","b"\n"1.5","2"\n"3","-4.25"\n"5","6e-3"\n',
    "mark of UTF-8": b"\xef\xbb\xbf" + TEXT.encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "Windows lines, blank ones": TEXT.replace("\n", "\r\n\r\n").encode(),
}


def save(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", GOOD)
def test_a_table_is_read_however_it_is_written(kind, tmp_path):
    data = tables.read(save(tmp_path, GOOD[kind]))
    assert data.names == ["a", "b"] and data.rows.tolist() == ROWS
    headless = GOOD[kind].replace(TEXT[:4].encode(), b"") if kind == "comma" else None
    if headless:
        bare = tables.read(save(tmp_path, headless))
        assert bare.names == ["x1", "x2"] and bare.rows.tolist() == ROWS


BAD = {
    "empty": (b"", r"t\.csv is empty; expected a table"),
    "blank lines only": (b"\n\n \n", "has no rows, only blank lines"),
    "names only": (b"a,b\n", "has no rows below its line of names"),
    "ragged": (b"a,b\n1,2\n3\n4,5\n", "line 3: 1 column, expected 2, as most lines have; mend that line"),
    "ragged at once": (b"a,b\n1,2\n3,4,5\n", "line 3: 3 columns, expected 2"),
    "a note that is none": (b"people\na,b\n1,2\n3,4\n", "line 1: 1 column, expected 2, as most lines have"),
    "text in a column": (b"a,b\n1,2\n\n3,oak\n", "line 4, column b: 'oak' is no number; mend it, or .* --drop b"),
    "text in the first line": (b"1,oak\n2,3\n", "line 1, column x2: 'oak' is no number"),
    "missing": (b"a,b\n1,2\n,4\nNA,5\n", r"line 3, column a: the value is missing \(2 such entries\); fill them in"),
    "infinite": (b"a,b\n1,2\ninf,4\n", "line 3, column a: the value is infinite"),
    "encoding": ("a,b\n1,2\nä,4\n".encode("latin-1"), "line 3: byte 0xe4 is not utf-8; save .* --encoding latin-1"),
    "zero bytes": (b"a,b\n1,\0", "line 2: a zero byte; this is no table of text"),
    "two columns of a name": (b"a,a\n1,2\n", "two columns named 'a'"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_told_in_a_line(kind, tmp_path):
    content, told = BAD[kind]
    with pytest.raises(ValueError, match=told) as error:
        tables.read(save(tmp_path, content))
    assert "\n" not in str(error.value) and "t.csv" in str(error.value)


def test_names_of_text_columns_are_dropped_and_unknown_ones_refused(tmp_path):
    path = save(tmp_path, b"kind,a\noak,1\nelm,2\n")
    assert tables.read(path, drop=["kind"]).rows.tolist() == [[1.0], [2.0]]
    with pytest.raises(ValueError, match=r"--drop ash: .* has no such column; it has kind, a"):
        tables.read(path, drop=["ash"])
    latin = save(tmp_path, "größe\n1\n2\n".encode("latin-1"))
    assert tables.read(latin, encoding="latin-1").names == ["größe"]
    with pytest.raises(ValueError, match="--encoding klingon: there is none of that name"):
        tables.read(latin, encoding="klingon")


def test_arrays(tmp_path):
    np.save(tmp_path / "a.npy", np.array(ROWS, np.float32))
    assert tables.read(tmp_path / "a.npy").names == ["x1", "x2"]
    np.save(tmp_path / "line.npy", np.arange(5))
    assert tables.read(tmp_path / "line.npy").rows.shape == (5, 1)
    np.savez(tmp_path / "c.npz", height=np.arange(4.0), age=np.ones(4))
    data = tables.read(tmp_path / "c.npz", drop=["age"])
    assert data.names == ["height"] and data.rows.ravel().tolist() == [0, 1, 2, 3]
    np.save(tmp_path / "s.npy", np.array([(1, 2.5)], [("k", int), ("v", float)]))
    assert tables.read(tmp_path / "s.npy").names == ["k", "v"]


def test_bad_arrays(tmp_path):
    np.savez(tmp_path / "c.npz", height=np.arange(4.0), age=np.ones(3))
    np.save(tmp_path / "cube.npy", np.ones((2, 2, 2)))
    np.save(tmp_path / "text.npy", np.array(["oak"]))
    np.save(tmp_path / "nan.npy", np.array([[1.0, np.nan]]))
    np.save(tmp_path / "objects.npy", np.array([None]), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cube.npy").read_bytes()[:-9])
    for name, told in {
        "c.npz": r"height \(4,\), age \(3,\); expected one array",
        "cube.npy": r"float64 of shape \(2, 2, 2\); expected numbers",
        "text.npy": "expected numbers",
        "nan.npy": "row 1, column x2: the value is missing",
        "objects.npy": "arrays of objects are not read",
        "cut.npy": "truncated or damaged",
        "none.npy": "there is no file",
    }.items():
        with pytest.raises(ValueError, match=told) as error:
            tables.read(tmp_path / name)
        assert "\n" not in str(error.value)
    masked = np.ma.masked_greater(np.arange(4.0), 2)
    with pytest.raises(ValueError, match="1 masked entries"):
        tables.as_data(masked)
    with pytest.raises(ValueError, match="expected numbers"):
        tables.as_data(np.array(["2020-01-01"], "datetime64"))


def test_a_picture_is_read_as_points_where_it_is_dark(tmp_path):
    from matplotlib import image

    pixels = np.ones((10, 20))
    pixels[:, :5] = 0  # the left quarter
    image.imsave(tmp_path / "p.png", pixels, cmap="gray")
    data = tables.read(tmp_path / "p.png")
    assert data.rows.shape == (20_000, 2) and data.rows[:, 0].max() <= -1 and data.rows[:, 0].min() >= -2
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="cannot read"):
        tables.read(tmp_path / "bad.png")


def test_a_million_rows_of_one_column(tmp_path):
    values = np.random.default_rng(0).standard_normal(10**6)
    path = tmp_path / "t.csv"
    path.write_text("\n".join(map(repr, values.tolist())))
    data = tables.read(path)
    assert data.names == ["x1"] and np.array_equal(data.rows[:, 0], values)
