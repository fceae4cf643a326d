import csv

import numpy as np

from unalter.data import Folders, Pictures
from unalter.pairing import Pairs, write_pairs


def test_pairs_csv_has_one_row_an_altered_picture_in_order(tmp_path):
    images, numbers = np.zeros((3, 1, 2, 2), np.uint8), np.arange(3)
    clean = Pictures(images, numbers, numbers, ["clean_0_0.png", "clean_1_1.png", "clean_2_2.png"])
    altered = Pictures(images, numbers, numbers, ["aug_0_0.png", "aug, odd_1_1.png", "aug_2_2.png"])
    pairs = Pairs(np.array([2, -1, 0]), "name", np.array([1, 0, 0.123456]))

    write_pairs(tmp_path / "pairs.csv", Folders(clean, altered), pairs)

    with open(tmp_path / "pairs.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"altered": "aug_0_0.png", "clean": "clean_2_2.png", "method": "name", "score": "1.0000"},
        {"altered": "aug, odd_1_1.png", "clean": "none", "method": "", "score": ""},
        {"altered": "aug_2_2.png", "clean": "clean_0_0.png", "method": "name", "score": "0.1235"},
    ]
