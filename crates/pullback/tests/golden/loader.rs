// Written by make_loader.py.

const GLOBAL_FIRST: [&[i64]; 3] = [&[3, 2, 5], &[4, 1, 0], &[6]];
const GLOBAL_SECOND: [&[i64]; 3] = [&[3, 1, 6], &[0, 2, 4], &[5]];
const GLOBAL_AFTER: i64 = 981;
const SEQUENTIAL_AFTER: i64 = 737;
const OWN: [(usize, usize, &[i64], &[i64]); 3] = [
    (7, 3, &[3, 4, 2, 0, 1, 6, 5], &[6, 1, 2, 3, 4, 0, 5]),
    (6, 3, &[1, 3, 2, 0, 4, 5], &[0, 5, 1, 3, 4, 2]),
    (4, 1, &[1, 0, 2, 3], &[2, 1, 3, 0]),
];
const RANDOM_MORE: [usize; 6] = [2, 3, 1, 0, 3, 2];
const RANDOM_AGAIN: [usize; 6] = [2, 0, 1, 3, 0, 0];
const SUBSET: [usize; 4] = [9, 11, 7, 5];
const WEIGHTED: [usize; 6] = [0, 1, 1, 1, 1, 1];
const SPLIT: [&[usize]; 3] = [&[5, 3, 4, 6], &[0, 2], &[1]];
